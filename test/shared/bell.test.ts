import { expect, test } from 'vitest'
import { Bell } from '../../shared/bell.ts'
import { FakeClock } from '../support/fake-clock.ts'

const NEVER = new AbortController().signal

/** Whether the wait is over, once everything that can run has run. */
async function isOver(waiting: Promise<void>, clock: FakeClock): Promise<boolean> {
  let over = false
  waiting.then(() => {
    over = true
  })
  await clock.advance(0)
  return over
}

test('Bell.wait() ends after its time', async () => {
  const clock = new FakeClock()
  const waiting = new Bell().wait(1_000, clock, NEVER)
  await clock.advance(999)
  expect(await isOver(waiting, clock)).toBe(false)
  await clock.advance(1)
  expect(await isOver(waiting, clock)).toBe(true)
})

test('Bell.wait() ends at a ring, and a ring that came before counts once', async () => {
  const clock = new FakeClock()
  const bell = new Bell()
  bell.ring()
  bell.ring()
  expect(await isOver(bell.wait(1_000, clock, NEVER), clock)).toBe(true)
  const waiting = bell.wait(1_000, clock, NEVER)
  expect(await isOver(waiting, clock)).toBe(false)
  bell.ring()
  expect(await isOver(waiting, clock)).toBe(true)
})

test('Bell.wait() ends with its signal and leaves no sleeper behind', async () => {
  const clock = new FakeClock()
  const ending = new AbortController()
  const waiting = new Bell().wait(1_000, clock, ending.signal)
  ending.abort()
  expect(await isOver(waiting, clock)).toBe(true)
  expect(clock.sleeping).toBe(0)
})
