import { expect, test } from 'vitest'
import { NodeWatch } from '../../master/node-watch.ts'
import type { Heartbeat, ReplicaReport } from '../../shared/protocol.ts'

function report(replica: string): ReplicaReport {
  return {
    replica,
    service: 'web',
    revision: 1,
    phase: { kind: 'serving', sinceMs: 0 },
    restarts: 0,
  }
}

function beat(seq: number, changes: Partial<Heartbeat> = {}): Heartbeat {
  const load = {
    cpuPercent: 10,
    memoryPercent: 10,
    diskPercent: 1,
    networkInBytes: 0,
    networkOutBytes: 0,
  }
  return {
    wire: 1,
    boot: 'b1',
    seq,
    full: false,
    load,
    replicas: [],
    gone: [],
    assignments: 0,
    ...changes,
  }
}

test('hear() asks for everything until it has a full report to build on', () => {
  const watch = new NodeWatch()
  expect(watch.hear('n1', beat(1), 0)).toEqual({ changed: false, wantFull: true })
  expect(watch.nodes.has('n1')).toBe(false)
  expect(watch.hear('n1', beat(2, { full: true, replicas: [report('r1')] }), 0).wantFull).toBe(
    false,
  )
  expect(watch.hear('n1', beat(3, { replicas: [report('r2')] }), 0).changed).toBe(true)
  expect([...(watch.nodes.get('n1')?.replicas.keys() ?? [])]).toEqual(['r1', 'r2'])
  watch.hear('n1', beat(4, { gone: ['r1'] }), 0)
  expect([...(watch.nodes.get('n1')?.replicas.keys() ?? [])]).toEqual(['r2'])
})

test.each([
  { why: 'a heartbeat is missing', next: beat(3) },
  { why: 'the worker started anew', next: beat(1, { boot: 'b2' }) },
])('hear() asks for everything when $why', ({ next }) => {
  const watch = new NodeWatch()
  watch.hear('n1', beat(1, { full: true }), 0)
  expect(watch.hear('n1', next, 0).wantFull).toBe(true)
})

test('hear() ignores a heartbeat that comes twice or late', () => {
  const watch = new NodeWatch()
  watch.hear('n1', beat(5, { full: true, replicas: [report('r1')] }), 100)
  expect(watch.hear('n1', beat(4, { full: true }), 200)).toEqual({
    changed: false,
    wantFull: false,
  })
  expect(watch.nodes.get('n1')).toMatchObject({ seenAtMs: 100 })
  expect(watch.nodes.get('n1')?.replicas.size).toBe(1)
})

test('hear() keeps the trouble that the last heartbeat told, and wakes when it comes or goes', () => {
  const watch = new NodeWatch()
  const trouble = 'the Docker Engine does not answer'
  watch.hear('n1', beat(1, { full: true }), 0)
  expect(watch.nodes.get('n1')?.trouble).toBeUndefined()
  expect(watch.hear('n1', beat(2, { trouble }), 0).changed).toBe(true)
  expect(watch.nodes.get('n1')?.trouble).toBe(trouble)
  expect(watch.hear('n1', beat(3, { trouble }), 0).changed).toBe(false)
  expect(watch.hear('n1', beat(4), 0).changed).toBe(true)
  expect(watch.nodes.get('n1')?.trouble).toBeUndefined()
})

test('hear() measures how long a phase lasts by the clock of the master', () => {
  const watch = new NodeWatch()
  const sinceMs = () => watch.nodes.get('n1')?.phaseSinceMs.get('r1')
  const starting = (at: number): ReplicaReport => ({
    ...report('r1'),
    phase: { kind: 'starting', sinceMs: at },
  })
  watch.hear('n1', beat(1, { full: true, replicas: [starting(9)] }), 1_000)
  watch.hear('n1', beat(2, { replicas: [{ ...starting(9), cpuPercent: 50 }] }), 2_000)
  watch.hear('n1', beat(3, { full: true, replicas: [starting(9)] }), 3_000)
  expect(sinceMs()).toBe(1_000)
  watch.hear('n1', beat(4, { replicas: [starting(10)] }), 4_000)
  expect(sinceMs()).toBe(4_000)
  watch.hear('n1', beat(5, { replicas: [report('r1')] }), 5_000)
  expect(sinceMs()).toBe(5_000)
  watch.hear('n1', beat(6, { gone: ['r1'] }), 6_000)
  expect(sinceMs()).toBeUndefined()
})

test('hear() averages the load, so that one busy second makes no busy node', () => {
  const watch = new NodeWatch()
  const busy = { ...beat(1).load, cpuPercent: 100 }
  watch.hear('n1', beat(1, { full: true }), 0)
  watch.hear('n1', beat(2, { load: busy }), 1_000)
  expect(watch.nodes.get('n1')?.load.cpuPercent).toBeLessThan(30)
  for (let seq = 3; seq <= 30; seq += 1) watch.hear('n1', beat(seq, { load: busy }), seq * 1_000)
  expect(watch.nodes.get('n1')?.load.cpuPercent).toBeGreaterThan(95)
})

test('hear() keeps what it knows of replicas when the worker cannot see them yet', () => {
  const watch = new NodeWatch()
  watch.hear('n1', beat(1, { full: true, replicas: [report('r1')] }), 0)
  watch.hear('n1', beat(1, { boot: 'b2', full: true, unseen: true }), 500)
  expect(watch.nodes.get('n1')).toMatchObject({ seenAtMs: 500, boot: 'b2' })
  expect([...(watch.nodes.get('n1')?.replicas.keys() ?? [])]).toEqual(['r1'])
  watch.hear('n1', beat(2, { boot: 'b2', full: true }), 1_000)
  expect(watch.nodes.get('n1')?.replicas.size).toBe(0)
})
