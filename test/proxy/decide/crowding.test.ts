import { expect, test } from 'vitest'
import { Crowding } from '../../../proxy/decide/crowding.ts'

function taught(...meansMs: readonly number[]): Crowding {
  const crowding = new Crowding()
  for (let round = 0; round < 200; round += 1) {
    // As wide apart as answers of a web service are.
    const stray = 0.5 + (round % 11) / 10
    meansMs.forEach((meanMs, at) => {
      crowding.learn(at + 1, meanMs * stray)
    })
  }
  return crowding
}

test('hasRoom() says yes of a replica that has nothing, whatever is known', () => {
  expect(new Crowding().hasRoom(0)).toBe(true)
  expect(taught(10, 30).hasRoom(0)).toBe(true)
})

test('hasRoom() says no while nothing is known', () => {
  expect(new Crowding().hasRoom(1)).toBe(false)
  const few = new Crowding()
  for (let round = 0; round < 99; round += 1) few.learn(1 + (round % 2), 10)
  expect(few.hasRoom(1)).toBe(false)
})

test('hasRoom() says yes up to where answers take as long as alone', () => {
  const crowding = taught(30, 31, 40, 50)
  expect([1, 2, 3, 4].map((inFlight) => crowding.hasRoom(inFlight))).toEqual([
    true,
    false,
    false,
    false,
  ])
})

test('hasRoom() forgets a time when all took longer', () => {
  const crowding = taught(30, 60)
  expect(crowding.hasRoom(1)).toBe(false)
  for (let round = 0; round < 400; round += 1) crowding.learn(2, 30)
  expect(crowding.hasRoom(1)).toBe(true)
})

test('hasRoom() does not mind a single answer that took for ever', () => {
  const crowding = taught(30, 30)
  crowding.learn(2, 60_000)
  expect(crowding.hasRoom(1)).toBe(true)
})

test('hasRoom() knows no more of crowds than it can tell apart', () => {
  const crowding = taught(...Array.from({ length: 80 }, () => 30))
  expect([63, 64].map((inFlight) => crowding.hasRoom(inFlight))).toEqual([true, false])
})

test('hasRoom() compares with fewer where nobody is ever alone, but not with nearly as many', () => {
  const busy = (meansMs: readonly number[]) => {
    const crowding = new Crowding()
    for (let round = 0; round < 200; round += 1) {
      meansMs.forEach((meanMs, at) => {
        crowding.learn(at + 6, meanMs)
      })
    }
    return [5, 6, 7, 8, 9].map((inFlight) => crowding.hasRoom(inFlight))
  }
  expect(busy([30, 30, 30, 30])).toEqual([false, false, true, true, false])
  expect(busy([60, 70, 80, 90])).toEqual([false, false, false, false, false])
})
