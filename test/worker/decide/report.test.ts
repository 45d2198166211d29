import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ReplicaReport } from '../../../shared/protocol.ts'
import { type Delta, ReportBook } from '../../../worker/decide/report.ts'

function report(replica: string, changes: Partial<ReplicaReport> = {}): ReplicaReport {
  const base = { replica, service: 's1', revision: 1, restarts: 0, port: 20_000 }
  return { ...base, phase: { kind: 'serving', sinceMs: 1 }, ...changes }
}

function now(...reports: ReplicaReport[]): Map<string, ReplicaReport> {
  return new Map(reports.map((each) => [each.replica, each]))
}

const WELL = { wantFull: false }

test('ReportBook tells everything first, then only what changed', () => {
  const book = new ReportBook()
  expect(book.next(now(report('a'), report('b')))).toMatchObject({ seq: 1, full: true })
  book.acknowledge(WELL)
  const changed = report('b', { phase: { kind: 'unhealthy', sinceMs: 2, reason: 'x' } })
  const delta = book.next(now(report('a'), changed))
  expect(delta).toEqual({ seq: 2, full: false, replicas: [changed], gone: [] })
})

test('ReportBook names what is gone once', () => {
  const book = new ReportBook()
  book.next(now(report('a'), report('b')))
  book.acknowledge(WELL)
  expect(book.next(now(report('b')))).toMatchObject({ full: false, replicas: [], gone: ['a'] })
  book.acknowledge(WELL)
  expect(book.next(now(report('b')))).toMatchObject({ replicas: [], gone: [] })
})

test('ReportBook tells everything again after an answer was lost', () => {
  const book = new ReportBook()
  book.next(now(report('a')))
  book.acknowledge(WELL)
  book.next(now(report('a')))
  expect(book.next(now(report('a')))).toMatchObject({ seq: 3, full: true, replicas: [report('a')] })
})

test('ReportBook tells everything when the master asks for it', () => {
  const book = new ReportBook()
  book.next(now(report('a')))
  book.acknowledge({ wantFull: true })
  expect(book.next(now(report('a')))).toMatchObject({ full: true, replicas: [report('a')] })
})

const wobbles = [
  { what: 'a little more CPU', change: { cpuPercent: 54.9 }, told: 0 },
  { what: 'much more CPU', change: { cpuPercent: 55 }, told: 1 },
  { what: 'a little more memory', change: { memoryMb: 104 }, told: 0 },
  { what: 'much more memory', change: { memoryMb: 106 }, told: 1 },
  { what: 'a restart', change: { restarts: 1 }, told: 1 },
  { what: 'another port', change: { port: 20_001 }, told: 1 },
  { what: 'little traffic on an idle replica', change: { networkInBytes: 900_000 }, told: 0 },
  { what: 'much traffic on an idle replica', change: { networkInBytes: 1_100_000 }, told: 1 },
  { what: 'the first word of its traffic', change: { networkOutBytes: 1 }, told: 1 },
  { what: 'a little more read', change: { diskReadBytes: 1_040_000_000 }, told: 0 },
  { what: 'much more read', change: { diskReadBytes: 1_060_000_000 }, told: 1 },
  { what: 'many bytes written', change: { diskWriteBytes: 2_000_000 }, told: 1 },
  { what: 'another process', change: { handle: '43' }, told: 1 },
]
test.each(wobbles)('ReportBook sends $told replicas after $what', ({ change, told }) => {
  const bytes = { networkInBytes: 0, diskReadBytes: 1_000_000_000, diskWriteBytes: 0 }
  const before = report('a', { cpuPercent: 50, memoryMb: 100, handle: '42', ...bytes })
  const book = new ReportBook()
  book.next(now(before))
  book.acknowledge(WELL)
  expect(book.next(now({ ...before, ...change })).replicas).toHaveLength(told)
})

test('ReportBook tells steady traffic seldom: not once in a second after the first minute', () => {
  const book = new ReportBook()
  const perSecond = 10_000_000
  let told = 0
  for (let second = 1; second <= 3_600; second += 1) {
    const { replicas } = book.next(now(report('a', { networkInBytes: second * perSecond })))
    if (second > 60) told += replicas.length
    book.acknowledge(WELL)
  }
  expect(told).toBeGreaterThan(10)
  expect(told).toBeLessThan(100)
})

test('ReportBook keeps a master that applies its deltas exact, whatever gets lost', () => {
  const phases = fc.constantFrom('starting', 'serving', 'stopping')
  const world = fc.dictionary(fc.constantFrom('a', 'b', 'c'), phases)
  const fate = fc.constantFrom('answered', 'answer lost', 'request lost', 'wants full')
  fc.assert(
    fc.property(fc.array(fc.tuple(world, fate)), (steps) => {
      const book = new ReportBook()
      const master = new Map<string, ReplicaReport>()
      for (const [kinds, outcome] of steps) {
        const entries = Object.entries(kinds)
        const truth = now(
          ...entries.map(([id, kind]) => report(id, { phase: { kind, sinceMs: 1 } })),
        )
        const delta = book.next(truth)
        if (outcome === 'request lost') continue
        apply(master, delta)
        expect(Object.fromEntries(master)).toEqual(Object.fromEntries(truth))
        if (outcome !== 'answer lost') book.acknowledge({ wantFull: outcome === 'wants full' })
      }
    }),
  )
})

function apply(master: Map<string, ReplicaReport>, { full, replicas, gone }: Delta): void {
  if (full) master.clear()
  for (const each of replicas) master.set(each.replica, each)
  for (const replica of gone) master.delete(replica)
}
