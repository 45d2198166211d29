import { expect, test } from 'vitest'
import { after, deadline, repeat, systemClock } from '../../shared/clock.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'

test('nowMs() of the system clock is the time since 1970 and never goes back', () => {
  const [one, two] = [systemClock.nowMs(), systemClock.nowMs()]
  expect(Math.abs(one - Date.now())).toBeLessThan(60_000)
  expect(two).toBeGreaterThanOrEqual(one)
})

test('sleep() ends at once when the signal aborts or has aborted', async () => {
  const stop = new AbortController()
  const slept = systemClock.sleep(3_600_000, stop.signal)
  stop.abort()
  await slept
  await systemClock.sleep(3_600_000, stop.signal)
})

test('repeat() begins each round a period after the last, never two at once', async () => {
  const clock = new FakeClock(0)
  const stop = new AbortController()
  const startedMs: number[] = []
  let running = 0
  const task = async (): Promise<void> => {
    expect(running++).toBe(0)
    startedMs.push(clock.nowMs())
    await clock.sleep(startedMs.length === 2 ? 250 : 30)
    running--
  }
  const ended = repeat(task, 100, clock, stop.signal)
  await clock.advance(500)
  // The second round took longer than the period, so the third follows at once.
  expect(startedMs).toEqual([0, 100, 350, 450])
  stop.abort()
  await clock.advance(100)
  await ended
})

test('repeat() does nothing after its signal and passes on what its task throws', async () => {
  await repeat(() => expect.unreachable(), 1, new FakeClock(), AbortSignal.abort())
  const failing = repeat(
    () => {
      throw new Error('broken')
    },
    1,
    new FakeClock(),
    new AbortController().signal,
  )
  await expect(failing).rejects.toThrow('broken')
})

test('deadline() aborts by itself', async () => {
  const alone = deadline(1)
  await until(() => alone.aborted)
})

test('after() calls once, unless it is cancelled', async () => {
  const calls: string[] = []
  const cancel = after(1, () => calls.push('cancelled'))
  cancel()
  after(2, () => calls.push('called'))
  await until(() => calls.length > 0)
  expect(calls).toEqual(['called'])
})

test('FakeClock wakes sleepers in the order of their moments', async () => {
  const clock = new FakeClock(0)
  const woken: string[] = []
  const nap = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms)
    woken.push(`${name} ${clock.nowMs()}`)
  }
  const naps = [nap('late', 30), nap('early', 10), nap('also early', 10), nap('beyond', 31)]
  await clock.advance(30)
  expect(woken).toEqual(['early 10', 'also early 10', 'late 30'])
  expect(clock.sleeping).toBe(1)
  await clock.advance(1)
  await Promise.all(naps)
})

test('until() says the last value, or the last error, when it gives up', async () => {
  await expect(until(() => 0, { timeoutMs: 1, everyMs: 1 })).rejects.toThrow('the last value was 0')
  const broken = (): never => {
    throw new Error('still down')
  }
  await expect(until(broken, { timeoutMs: 1 })).rejects.toThrow('the last try failed: still down')
  let tries = 0
  expect(await until(() => (++tries < 3 ? undefined : tries), { everyMs: 1 })).toBe(3)
})
