import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Action, converge, type Standing } from '../../../worker/decide/converge.ts'
import { NEVER_STARTED } from '../../../worker/decide/restart.ts'
import { assignedReplica } from '../support/assigned.ts'

const LIMITS = { backoffMs: 1_000, backoffMaxMs: 60_000, calmAfterMs: 60_000, failedStartsMax: 3 }
const NOW = 100_000

function standing(changes: Partial<Standing> = {}): Standing {
  const well = { run: 'alive', phase: 'serving', startedAtMs: 0 } as const
  return { ...well, history: NEVER_STARTED, symptom: '', ...changes }
}

function decide(
  assigned: Parameters<typeof assignedReplica>[0] | undefined,
  local: Standing | undefined,
  heard = true,
): readonly Action[] {
  const replicas = assigned === undefined ? [] : [assignedReplica(assigned)]
  const wanted = { heard, replicas: new Map(replicas.map((each) => [each.replica, each])) }
  return converge(wanted, new Map(local === undefined ? [] : [['r1', local]]), LIMITS, NOW)
}

const died = { ...NEVER_STARTED, deaths: 1, hasServed: true, reason: 'exited with code 1' }
const cases = [
  { when: 'it is assigned and unknown', does: 'start', assigned: {}, local: undefined },
  { when: 'it is assigned and dead', does: 'start', assigned: {}, local: { run: 'dead' } },
  { when: 'it is assigned and alive', does: undefined, assigned: {}, local: {} },
  { when: 'a start is under way', does: undefined, assigned: {}, local: { run: 'busy' } },
  {
    when: 'it died a moment ago',
    does: 'wait',
    assigned: {},
    local: { run: 'dead', history: { ...died, diedAtMs: NOW - 10 } },
  },
  {
    when: 'it died a while ago',
    does: 'start',
    assigned: {},
    local: { run: 'dead', history: { ...died, diedAtMs: NOW - 1_000 } },
  },
  {
    when: 'it has failed for good',
    does: undefined,
    assigned: {},
    local: { run: 'dead', phase: 'failed' },
  },
  {
    when: 'it died while it drained',
    does: 'fail',
    assigned: { draining: true },
    local: { run: 'dead', history: { ...died, diedAtMs: 0 } },
  },
  { when: 'it drains and serves', does: undefined, assigned: { draining: true }, local: {} },
  {
    when: 'it drains and is unknown',
    does: 'fail',
    assigned: { draining: true },
    local: undefined,
  },
  { when: 'it is sick', does: 'restart', assigned: {}, local: { sickness: 'x' } },
  {
    when: 'it starts for too long',
    does: 'fail',
    assigned: {},
    local: { phase: 'starting', startedAtMs: NOW - 10_000 },
  },
  {
    when: 'it still may start',
    does: undefined,
    assigned: {},
    local: { phase: 'starting', startedAtMs: NOW - 9_999 },
  },
  { when: 'it is not assigned and alive', does: 'stop', assigned: undefined, local: {} },
  {
    when: 'it is not assigned and dead',
    does: 'forget',
    assigned: undefined,
    local: { run: 'dead' },
  },
  {
    when: 'it is not assigned and already stopping',
    does: undefined,
    assigned: undefined,
    local: { run: 'busy', phase: 'stopping' },
  },
] as const
test.each(cases)('converge() answers $does when $when', ({ assigned, local, does }) => {
  const actions = decide(assigned, local === undefined ? undefined : standing(local))
  expect(actions.map(({ kind }) => kind)).toEqual(does === undefined ? [] : [does])
})

test('converge() names the last symptom when a start took too long', () => {
  const late = { phase: 'starting', startedAtMs: 0, symptom: 'GET / answered 500' } as const
  expect(decide({}, standing(late))).toMatchObject([
    { reason: 'it did not pass its health check within 10 s: GET / answered 500' },
  ])
})

const anyStanding: fc.Arbitrary<Standing> = fc.record({
  run: fc.constantFrom('dead', 'busy', 'alive'),
  phase: fc.constantFrom('starting', 'serving', 'unhealthy', 'waiting', 'failed', 'stopping'),
  startedAtMs: fc.nat(NOW),
  symptom: fc.string(),
  history: fc.record({
    deaths: fc.nat(9),
    diedAtMs: fc.nat(NOW),
    failedStarts: fc.nat(9),
    hasServed: fc.boolean(),
    reason: fc.string(),
  }),
})
const anyStandings = fc.dictionary(fc.constantFrom('r1', 'r2', 'r3', 'r4'), anyStanding)

test('converge() neither stops nor forgets what is unassigned before a master was heard', () => {
  fc.assert(
    fc.property(anyStandings, (standings) => {
      const wanted = { replicas: new Map(), heard: false }
      const actions = converge(wanted, new Map(Object.entries(standings)), LIMITS, NOW)
      expect(actions).toEqual([])
    }),
  )
})

test('converge() does at most one thing to a replica, and nothing to a busy one', () => {
  fc.assert(
    fc.property(anyStandings, fc.boolean(), (standings, draining) => {
      const assigned = ['r1', 'r2'].map((replica) => assignedReplica({ replica, draining }))
      const wanted = {
        heard: true,
        replicas: new Map(assigned.map((each) => [each.replica, each])),
      }
      const actions = converge(wanted, new Map(Object.entries(standings)), LIMITS, NOW)
      expect(new Set(actions.map(({ replica }) => replica)).size).toBe(actions.length)
      for (const { replica } of actions) expect(standings[replica]?.run).not.toBe('busy')
    }),
  )
})
