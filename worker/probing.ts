import type { Clock } from '../shared/clock.ts'
import { judge, type Outcome, probeAgainMs } from './decide/health.ts'
import type { Driver, Running } from './drivers/driver.ts'
import { probe } from './health.ts'
import type { LocalReplica } from './local-replica.ts'

export interface ProbingParts {
  readonly driver: Pick<Driver, 'exec'>
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
      await parts.clock.sleep(probeAgainMs(before, check), signal)
    }
    const outcome = await probeOnce(replica, running, { ...parts, signal })
    const { health } = replica
    if (signal.aborted || health === undefined) return
    const next = judge(health, outcome, check, parts.clock.nowMs())
    parts.tell(() => replica.judged(next))
    if (check.probe.kind === 'none') return
  }
}

/** What an adopted replica answers now. */
export function probeAdopted(
  replica: LocalReplica,
  running: Running,
  parts: ProbingParts & { readonly signal: AbortSignal },
): Promise<Outcome> {
  return probeOnce(replica, running, { ...parts, timeoutMaxMs: ADOPTION_PROBE_MAX_MS })
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
