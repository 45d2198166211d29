import { expect, test } from 'vitest'
import { medianCpuUs, pairedRatios, type Slice } from './slices.ts'

function slice(proxy: string, round: number, cpuUs: number, workload = 'get100'): Slice {
  return { workload, proxy, round, requests: 1_000, bad: 0, cpuUs }
}

test('pairedRatios() compares the slices of each round, and of no other workload', () => {
  const measured = [
    slice('ours', 0, 30),
    slice('nginx', 0, 20),
    slice('nginx', 1, 40),
    slice('ours', 1, 40),
    slice('ours', 2, 99),
    slice('ours', 0, 500, 'get1m'),
  ]
  expect(pairedRatios(measured, 'get100', 'ours', 'nginx')).toEqual([1.5, 1])
  expect(medianCpuUs(measured, 'get100', 'ours')).toBe(40)
  expect(medianCpuUs(measured, 'get100', 'caddy')).toBeNull()
})
