import { expect, test } from 'vitest'
import { lossOf, see } from '../../../master/decide/standing.ts'
import type { Phase, Replica } from '../../../shared/model.ts'
import {
  applied,
  desiredWith,
  LIMITS,
  nodeNamed,
  SeenWorld,
  specNamed,
} from '../../support/worlds.ts'

const NOW = 1_000_000
const HANGS = 'the Docker Engine does not answer'
/** 60 s for the start, 10 s of margin, 60 s because it hangs. */
const HUNG_MS = 130_000

function lossAfter(phase: Phase, trouble: string | undefined, nowMs = NOW) {
  const service = desiredWith([applied(specNamed('web'))]).serviceNamed('web')
  const condition = trouble === undefined ? 'ready' : 'busy'
  const nodes = new Map([['n1', nodeNamed('n1', { condition })]])
  const replica: Replica = {
    ...{ id: 'r1', service: 'web', revision: 1, node: 'n1' },
    ...{ createdAtMs: 0, assignedAtMs: 0 },
  }
  const seen = new SeenWorld()
  seen.beat('n1', nowMs, trouble === undefined ? {} : { trouble })
  seen.report({ ...replica, node: 'n1' }, phase)
  return lossOf(see(replica, nodes, seen), service, { nowMs, limits: LIMITS })
}

const starting = (agoMs: number): Phase => ({ kind: 'starting', sinceMs: NOW - agoMs })
const cases: readonly [Phase, string | undefined, string | undefined][] = [
  [starting(HUNG_MS - 1), HANGS, undefined],
  [starting(HUNG_MS), HANGS, `not started on n1 for 130 s: ${HANGS}`],
  // Without trouble its worker gives it up, or waits because it was told to be patient.
  [starting(10 * HUNG_MS), undefined, undefined],
  [{ kind: 'serving', sinceMs: 0 }, HANGS, undefined],
  [{ kind: 'stopping', sinceMs: 0 }, HANGS, undefined],
  [{ kind: 'waiting', sinceMs: 0, reason: 'it died' }, HANGS, undefined],
  [{ kind: 'failed', sinceMs: 0, reason: 'no such image' }, HANGS, 'failed on n1: no such image'],
]
test.each(cases)('lossOf() of %j in trouble "%s" is "%s"', (phase, trouble, reason) => {
  expect(lossAfter(phase, trouble)?.reason).toBe(reason)
})

test('lossOf() says nothing of a node that it did not hear for a moment', () => {
  const service = desiredWith([applied(specNamed('web'))]).serviceNamed('web')
  const replica: Replica = { id: 'r1', service: 'web', revision: 1, node: 'n1', createdAtMs: 0 }
  const nodes = new Map([['n1', nodeNamed('n1', { condition: 'suspect' })]])
  const seen = new SeenWorld()
  seen.beat('n1', 0, { trouble: HANGS })
  seen.report({ ...replica, node: 'n1' }, { kind: 'starting', sinceMs: 0 })
  const at = { nowMs: NOW, limits: LIMITS }
  expect(lossOf(see(replica, nodes, seen), service, at)).toBeUndefined()
})
