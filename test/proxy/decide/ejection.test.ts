import { expect, test } from 'vitest'
import { Ejection } from '../../../proxy/decide/ejection.ts'
import { RetryBudget } from '../../../proxy/decide/retry-budget.ts'

const LIMITS = { avoidMinMs: 1_000, avoidMaxMs: 30_000 }

test('failed() doubles the time out with each failed trial, up to its maximum', () => {
  const ejection = new Ejection(LIMITS)
  let nowMs = 0
  const times: number[] = []
  for (let failure = 0; failure < 7; failure += 1) {
    ejection.picked('r', nowMs)
    ejection.failed('r', nowMs)
    let avoidMs = 0
    while (ejection.isAvoided('r', nowMs + avoidMs)) avoidMs += 500
    times.push(avoidMs)
    nowMs += avoidMs
  }
  expect(times).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

test('failed() counts requests that fail together once', () => {
  const ejection = new Ejection(LIMITS)
  for (let at = 0; at < 50; at += 1) ejection.failed('r', at)
  expect(ejection.isAvoided('r', 999)).toBe(true)
  expect(ejection.isAvoided('r', 1_000)).toBe(false)
})

test('answered() forgets all failures', () => {
  const ejection = new Ejection(LIMITS)
  ejection.failed('r', 0)
  ejection.failed('r', 1_000)
  ejection.answered('r')
  expect(ejection.isAvoided('r', 1_001)).toBe(false)
  ejection.failed('r', 2_000)
  expect(ejection.isAvoided('r', 3_000)).toBe(false)
})

test('keepOnly() forgets replicas that left', () => {
  const ejection = new Ejection(LIMITS)
  ejection.failed('old', 0)
  ejection.keepOnly(new Set(['new']))
  expect(ejection.avoided).toEqual([])
})

test('take() lets through the reserve and then the share of the requests', () => {
  const budget = new RetryBudget({ percent: 20, reserve: 10 })
  const taken = (): number => {
    let count = 0
    while (budget.take()) count += 1
    return count
  }
  expect(taken()).toBe(10)
  for (let at = 0; at < 100; at += 1) {
    budget.arrived()
    if (at === 49) expect(taken()).toBe(10)
  }
  expect(taken()).toBeLessThanOrEqual(10)
})
