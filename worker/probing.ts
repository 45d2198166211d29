import type { Clock } from '../shared/clock.ts'
import { DECIDED, judge, type Outcome, probeAgainMs } from './decide/health.ts'
import type { Driver, Running } from './drivers/driver.ts'
import { probe } from './health.ts'
import type { LocalReplica } from './local-replica.ts'

export interface ProbingParts {
  readonly driver: Pick<Driver, 'exec' | 'opinion'>
  readonly clock: Clock
  /** The address of this machine that replicas listen on. */
  readonly host: () => string
}

/** Waiting longer for the first word of an adopted replica would make the node look lost. */
const ADOPTION_PROBE_MAX_MS = 1_000

/** Asks one run of a replica again and again until the signal ends it; tells every verdict. */
export async function keepProbing(
  replica: LocalReplica,
  running: Running,
  parts: ProbingParts & { readonly tell: (change: () => void) => void },
  signal: AbortSignal,
): Promise<void> {
  const check = replica.assigned.health
  while (!signal.aborted) {
    const before = replica.health
    // A replica that was just adopted has been asked a moment ago.
    if (before !== undefined && before.failures + before.successes > 0) {
      await replica.doubt.wait(probeAgainMs(before, check), parts.clock, signal)
    }
    const { outcome, isDecided } = await look(replica, running, { ...parts, signal })
    const { health } = replica
    if (signal.aborted || health === undefined) return
    const next = judge(health, outcome, isDecided ? DECIDED : check, parts.clock.nowMs())
    parts.tell(() => replica.judged(next))
  }
}

/** What an adopted replica answers now. */
export async function probeAdopted(
  replica: LocalReplica,
  running: Running,
  parts: ProbingParts & { readonly signal: AbortSignal },
): Promise<Outcome> {
  const seen = await look(replica, running, { ...parts, timeoutMaxMs: ADOPTION_PROBE_MAX_MS })
  return seen.outcome
}

interface Look {
  readonly outcome: Outcome
  /** The runtime has counted already. */
  readonly isDecided: boolean
}

/** What the runtime knows to be ill is not asked; a paused container even takes connections. */
async function look(replica: LocalReplica, running: Running, once: Once): Promise<Look> {
  const opinion = once.driver.opinion(running.replica)
  const { probe } = replica.assigned.health
  if (opinion.kind === 'ill') {
    return { outcome: { kind: 'failed', reason: opinion.reason }, isDecided: true }
  }
  if (probe.kind === 'image' && opinion.kind === 'well') {
    return { outcome: { kind: 'passed' }, isDecided: true }
  }
  if (probe.kind === 'image' && opinion.kind === 'starting') {
    return { outcome: { kind: 'failed', reason: opinion.reason }, isDecided: false }
  }
  return { outcome: await probeOnce(replica, running, once), isDecided: false }
}

interface Once extends ProbingParts {
  readonly signal: AbortSignal
  readonly timeoutMaxMs?: number
}

function probeOnce(replica: LocalReplica, running: Running, once: Once): Promise<Outcome> {
  const { probe: how, timeoutMs } = replica.assigned.health
  const { driver, host, signal, timeoutMaxMs = timeoutMs } = once
  const target = { driver, host: host(), port: running.port, replica: running.replica }
  return probe(how, target, Math.min(timeoutMs, timeoutMaxMs), signal)
}
