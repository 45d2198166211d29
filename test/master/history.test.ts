import { expect, test } from 'vitest'
import { History } from '../../master/history.ts'
import { applied, desiredWith, nodeNamed, SeenWorld, specNamed } from '../support/worlds.ts'

const LIMITS = { sampleEveryMs: 10_000, retentionMs: 60_000 }

test('tick() samples services and nodes each period and forgets after the retention', () => {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    applied(specNamed('web'), 2),
  ])
  const seen = new SeenWorld()
  const history = new History(LIMITS)
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 2_500) {
    seen.beat('n1', nowMs, { cpu: nowMs / 1_000 })
    history.tick(desired, seen, nowMs)
  }
  const { samples, sampleEveryMs } = history.ofService('web')
  expect(sampleEveryMs).toBe(10_000)
  expect(samples.map(({ atMs }) => atMs)).toEqual(
    [40, 50, 60, 70, 80, 90, 100].map((s) => s * 1_000),
  )
  expect(samples.at(-1)).toEqual({ atMs: 100_000, replicas: 2, serving: 0 })
  expect(history.ofNode('n1').samples.at(-1)).toMatchObject({ cpuPercent: 100, atMs: 100_000 })
})

test('tick() keeps the measured numbers, and forgets what no longer exists', () => {
  const desired = desiredWith([applied(specNamed('web'))])
  const seen = new SeenWorld()
  const recent = { fromMs: 0, toMs: 2_000, requests: 100, errors: 4, percentileMs: 80, meanMs: 9 }
  seen.demand.set('web', { windows: [], recent })
  const history = new History(LIMITS)
  history.tick(desired, seen, 0)
  expect(history.ofService('web').samples).toEqual([
    {
      atMs: 0,
      replicas: 1,
      serving: 0,
      percentileMs: 80,
      requestsPerSecond: 50,
      errorsPerSecond: 2,
    },
  ])
  history.tick(desiredWith([]), seen, 10_000)
  expect(history.ofService('web').samples).toEqual([])
})
