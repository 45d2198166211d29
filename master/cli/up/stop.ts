/** Ends what `up` started, in order: no request is refused by a part that is already gone. */
import type { Clock } from '../../../shared/clock.ts'
import { CliError } from '../failure.ts'
import { isAlive, type ProcessIdentity, signal } from './processes.ts'
import { leftoverReplicas } from './replicas.ts'
import type { Recorded, Role } from './state.ts'

/** Proxies first; with the master gone the workers stop their own replicas. */
const ORDER: readonly Role[] = ['proxy', 'master', 'worker']
const GRACE_MS: Readonly<Record<Role, number>> = { proxy: 10_000, master: 10_000, worker: 20_000 }
const REPLICA_GRACE_MS = 5_000
const KILL_WAIT_MS = 5_000
const LOOK_EVERY_MS = 25

export interface Stopping {
  readonly dir: string
  readonly children: readonly Recorded[]
  readonly clock: Clock
  /** Aborts when there is no time to be gentle. */
  readonly urgent: AbortSignal
}

export interface Stopped {
  readonly programs: readonly string[]
  readonly replicas: number
}

export async function stopAll(stopping: Stopping): Promise<Stopped> {
  const programs: string[] = []
  for (const role of ORDER) {
    const living = stopping.children.filter(
      (child) => child.role === role && child.process !== undefined && isAlive(child.process),
    )
    programs.push(...living.map(({ name }) => name))
    await end(
      living.flatMap((child) => child.process ?? []),
      GRACE_MS[role],
      stopping,
    )
  }
  const replicas = leftoverReplicas(stopping.dir)
  await end(replicas, REPLICA_GRACE_MS, stopping)
  return { programs, replicas: replicas.length }
}

/** Asks, waits up to the grace, then forces; throws when the system does not let go of one. */
export async function end(
  processes: readonly ProcessIdentity[],
  graceMs: number,
  { clock, urgent }: Pick<Stopping, 'clock' | 'urgent'>,
): Promise<void> {
  for (const known of processes) signal(known, 'SIGTERM')
  if (await allEnd(processes, graceMs, clock, urgent)) return
  for (const known of processes) signal(known, 'SIGKILL')
  if (await allEnd(processes, KILL_WAIT_MS, clock)) return
  const stuck = processes.filter(isAlive).map(({ pid }) => pid)
  throw new CliError(`Cannot end process ${stuck.join(', ')}: it is still there after SIGKILL`)
}

async function allEnd(
  processes: readonly ProcessIdentity[],
  waitMs: number,
  clock: Clock,
  urgent?: AbortSignal,
): Promise<boolean> {
  const untilMs = clock.nowMs() + waitMs
  while (processes.some(isAlive)) {
    if (clock.nowMs() >= untilMs || urgent?.aborted === true) return false
    await clock.sleep(LOOK_EVERY_MS, urgent)
  }
  return true
}
