import fc from 'fast-check'
import { expect, test } from 'vitest'
import { queueLimits, readProxyConfig } from '../../../proxy/config.ts'
import type { ReplicaState } from '../../../proxy/decide/replica-state.ts'
import { ServiceQueue } from '../../../proxy/decide/service-queue.ts'
import type { Waiting } from '../../../proxy/decide/waiting.ts'
import { fragmentOf } from '../../support/published.ts'

const step = fc.record({
  arrivals: fc.integer({ min: 0, max: 5 }),
  afterMs: fc.integer({ min: 0, max: 2_000 }),
  ends: fc.integer({ min: 0, max: 8 }),
  kind: fc.constantFrom('answered', 'answered', 'answered', 'failed', 'aborted', 'timeout'),
  permits: fc.integer({ min: 1, max: 20 }),
})

test('next() never lets anybody wait while no replica has anything to do', () => {
  const limits = queueLimits(readProxyConfig({ argv: [], environment: {} }))
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 80 }),
      (many, steps) => {
        const queue = new ServiceQueue({ ...limits, waitMaxMs: 1e9 }, () => 0.5)
        const ports = Array.from({ length: many }, (_, at) => at + 1)
        queue.update(fragmentOf('web', ports), 0)
        const busy: ReplicaState[] = []
        let nowMs = 0
        for (const { arrivals, afterMs, ends, kind, permits } of steps) {
          nowMs += afterMs
          queue.put(new Map(ports.map((port) => [`web-${port}`, permits])), permits % 2 === 0)
          for (let count = 0; count < arrivals; count += 1) {
            const placed = queue.arrive(request(nowMs), nowMs)
            if (typeof placed === 'object') busy.push(placed)
          }
          for (const replica of busy.splice(0, ends)) {
            const status = kind === 'answered' ? 200 : kind === 'failed' ? 502 : 0
            if (status === 200) queue.answered(replica, nowMs)
            queue.end(replica, { kind, upstreamMs: afterMs, status, crowd: 1 }, nowMs)
          }
          while (queue.next(nowMs)) if (queue.replica !== undefined) busy.push(queue.replica)
          if (busy.length === 0) expect(queue.waiting).toBe(0)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('arrive() goes to a replica that became slow when there is no fast one to wait for', () => {
  const queue = new ServiceQueue(
    queueLimits(readProxyConfig({ argv: [], environment: {} })),
    () => 0,
  )
  queue.update(fragmentOf('web', [1]), 0)
  queue.put(new Map([['web-1', 64]]), true)
  let nowMs = 0
  for (let count = 0; count < 80; count += 1) {
    const placed = queue.arrive(request(nowMs), nowMs)
    if (typeof placed !== 'object') throw new Error(`request ${count}: ${placed}`)
    const upstreamMs = count < 48 ? 1 : 20
    nowMs += upstreamMs
    queue.answered(placed, nowMs)
    queue.end(placed, { kind: 'answered', upstreamMs, status: 200, crowd: 1 }, nowMs)
  }
})

function request(arrivedAtMs: number): Waiting {
  return {
    arrivedAtMs,
    affinity: undefined,
    hasTried: () => false,
    dispatched: () => undefined,
    expired: () => undefined,
    before: undefined,
    behind: undefined,
  }
}
