import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Agent } from './agent.ts'
import type { WorkerConfig } from './config.ts'
import type { LocalReplicas } from './local-replicas.ts'

export interface FarewellParts {
  readonly agent: Pick<Agent, 'run' | 'leave' | 'isAway' | 'isRemoved'>
  readonly replicas: Pick<LocalReplicas, 'obey' | 'running'>
  readonly config: Pick<WorkerConfig, 'onExit' | 'leaveGraceMs'>
  readonly clock: Clock
  readonly log: Log
}

/** A master that is silent for so long moves nothing; one lost answer is no silence. */
const MASTER_AWAY_MAX_MS = 3_000
const LOOK_EVERY_MS = 50

/** Serves until the worker should leave or its node is removed, then ends in good order. */
export async function farewell(parts: FarewellParts, leave: AbortSignal): Promise<void> {
  const { agent, replicas, config, log } = parts
  const end = new AbortController()
  const serving = agent.run(end.signal)
  try {
    await Promise.race([serving, aborted(leave)])
    if (leave.aborted && !agent.isRemoved) await moveAway(parts)
  } finally {
    end.abort()
  }
  await serving
  const { isRemoved } = agent
  if (isRemoved || config.onExit === 'stop') await stopAll(parts)
  const why = isRemoved ? 'the node was removed from the cluster' : 'it was asked to'
  log.info('worker ends', { reason: why, replicasLeft: replicas.running })
}

/** The master starts replacements first, so the replicas here serve until they are not needed. */
async function moveAway({ agent, replicas, config, clock, log }: FarewellParts): Promise<void> {
  if (!(await agent.leave())) {
    log.warn('worker leaves without the master', { replicas: replicas.running })
    return
  }
  const untilMs = clock.nowMs() + config.leaveGraceMs
  log.info('worker leaves', { replicas: replicas.running, graceMs: config.leaveGraceMs })
  let heardAtMs = clock.nowMs()
  while (clock.nowMs() < untilMs && !agent.isRemoved) {
    if (!agent.isAway) heardAtMs = clock.nowMs()
    if (clock.nowMs() - heardAtMs >= MASTER_AWAY_MAX_MS) return
    await clock.sleep(LOOK_EVERY_MS)
  }
}

async function stopAll({ replicas, clock }: FarewellParts): Promise<void> {
  replicas.obey([])
  while (replicas.running > 0) await clock.sleep(LOOK_EVERY_MS)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
