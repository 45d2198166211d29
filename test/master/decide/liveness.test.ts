import { expect, test } from 'vitest'
import { conditionOf, isSettled } from '../../../master/decide/liveness.ts'
import { LIMITS, nodeNamed, SeenWorld } from '../../support/worlds.ts'

const cases = [
  { silentMs: 0, cpu: 10, memory: 10, schedulability: 'open', condition: 'ready' },
  { silentMs: 2_499, cpu: 10, memory: 10, schedulability: 'open', condition: 'ready' },
  { silentMs: 2_500, cpu: 10, memory: 10, schedulability: 'open', condition: 'suspect' },
  { silentMs: 5_000, cpu: 10, memory: 10, schedulability: 'open', condition: 'lost' },
  { silentMs: 5_000, cpu: 10, memory: 10, schedulability: 'draining', condition: 'lost' },
  { silentMs: 0, cpu: 84.9, memory: 84.9, schedulability: 'open', condition: 'ready' },
  { silentMs: 0, cpu: 85, memory: 10, schedulability: 'open', condition: 'busy' },
  { silentMs: 0, cpu: 10, memory: 85, schedulability: 'open', condition: 'busy' },
  { silentMs: 0, cpu: 99, memory: 10, schedulability: 'cordoned', condition: 'cordoned' },
  { silentMs: 0, cpu: 10, memory: 10, schedulability: 'draining', condition: 'draining' },
  { silentMs: 0, cpu: 10, memory: 10, schedulability: 'leaving', condition: 'draining' },
] as const
test.each(cases)(
  'conditionOf() says $condition after $silentMs ms at $cpu % CPU, $memory % RAM, $schedulability',
  ({ silentMs, cpu, memory, schedulability, condition }) => {
    const seen = new SeenWorld()
    seen.beat('n1', 10_000, { cpu, memory })
    const node = nodeNamed('n1', { schedulability })
    expect(conditionOf(node, seen, LIMITS, 10_000 + silentMs).condition).toBe(condition)
  },
)

test('conditionOf() keeps what was told last until a fresh master has looked long enough', () => {
  const seen = new SeenWorld()
  seen.sinceMs = 10_000
  const node = nodeNamed('n1', { condition: 'busy' })
  expect(conditionOf(node, seen, LIMITS, 14_999).condition).toBe('busy')
  expect(conditionOf(node, seen, LIMITS, 15_000).condition).toBe('lost')
})

test('isSettled() waits for every node that is not known to be lost', () => {
  const seen = new SeenWorld()
  seen.sinceMs = 10_000
  seen.beat('n1', 10_100)
  const both = [nodeNamed('n1'), nodeNamed('n2')]
  const oneLost = [nodeNamed('n1'), nodeNamed('n2', { condition: 'lost' })]
  expect(isSettled(both, seen, LIMITS, 10_200)).toBe(false)
  expect(isSettled(oneLost, seen, LIMITS, 10_200)).toBe(true)
  expect(isSettled(both, seen, LIMITS, 15_000)).toBe(true)
})

const full = [
  { disk: 94.9, limit: 95, condition: 'ready' },
  { disk: 95, limit: 95, condition: 'busy' },
  { disk: 100, limit: 100, condition: 'ready' },
] as const
test.each(full)('conditionOf() says $condition at $disk % disk of $limit %', (row) => {
  const seen = new SeenWorld()
  seen.beat('n1', 0, { disk: row.disk })
  const verdict = conditionOf(nodeNamed('n1'), seen, { ...LIMITS, busyDiskPercent: row.limit }, 0)
  expect(verdict.condition).toBe(row.condition)
  if (row.condition === 'busy') expect(verdict.reason).toBe('disk at or over 95 %')
})

const troubled = [
  { schedulability: 'open', silentMs: 0, condition: 'busy' },
  { schedulability: 'cordoned', silentMs: 0, condition: 'cordoned' },
  { schedulability: 'draining', silentMs: 0, condition: 'draining' },
  { schedulability: 'open', silentMs: 3_000, condition: 'suspect' },
] as const
test.each(troubled)(
  'conditionOf() says $condition of a node in trouble, $schedulability, after $silentMs ms',
  ({ schedulability, silentMs, condition }) => {
    const seen = new SeenWorld()
    seen.beat('n1', 0, { cpu: 99, trouble: 'the Docker Engine does not answer' })
    const verdict = conditionOf(nodeNamed('n1', { schedulability }), seen, LIMITS, silentMs)
    expect(verdict.condition).toBe(condition)
    if (condition === 'busy') expect(verdict.reason).toBe('the Docker Engine does not answer')
  },
)

test('conditionOf() knows no limit at 100 percent', () => {
  const seen = new SeenWorld()
  seen.beat('n1', 0, { cpu: 100, memory: 100 })
  const limits = { ...LIMITS, busyCpuPercent: 100, busyMemoryPercent: 100 }
  expect(conditionOf(nodeNamed('n1'), seen, limits, 0).condition).toBe('ready')
})

test('conditionOf() gives a worker that just joined time for its first heartbeat', () => {
  const seen = new SeenWorld()
  const node = nodeNamed('n1', { joinedAtMs: 10_000 })
  expect(conditionOf(node, seen, LIMITS, 14_999).condition).toBe('ready')
  expect(conditionOf(node, seen, LIMITS, 15_000).condition).toBe('lost')
})
