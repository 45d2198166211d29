/** What an earlier life of this worker left: replicas that run on, and what remains of others. */
import type { Clock } from '../shared/clock.ts'
import { adopted, type Health } from './decide/health.ts'
import type { RestartLimits } from './decide/restart.ts'
import type { Ended, Running } from './drivers/driver.ts'
import { LocalReplica } from './local-replica.ts'
import { type ProbingParts, probeAdopted } from './probing.ts'

/**
 * One that runs on; until it was asked how it is, it counts as being started. What is wanted of it
 * may have been heard before the runtime could say that it is there.
 */
export function found({ assigned, startedAtMs }: Running, wanted?: LocalReplica): LocalReplica {
  const replica = new LocalReplica(wanted?.assigned ?? assigned, startedAtMs)
  replica.begin(startedAtMs)
  return replica
}

export async function firstLook(
  replica: LocalReplica,
  running: Running,
  parts: ProbingParts & { readonly signal: AbortSignal },
): Promise<Health> {
  const outcome = await probeAdopted(replica, running, parts)
  const { startMaxMs } = running.assigned.health
  const run = { startedAtMs: running.startedAtMs, startMaxMs }
  return adopted(outcome, run, parts.clock.nowMs())
}

/** One that ended while nobody watched; when it is still wanted it starts again. */
export function buried(
  { assigned, reason }: Ended,
  { clock, limits }: { readonly clock: Clock; readonly limits: RestartLimits },
  wanted?: LocalReplica,
): LocalReplica {
  const replica = new LocalReplica(wanted?.assigned ?? assigned, clock.nowMs())
  replica.die(reason, clock.nowMs(), limits)
  return replica
}
