import type { Clock } from '../shared/clock.ts'
import type { ControlClient } from '../shared/control-client.ts'
import type { Log } from '../shared/log.ts'
import type { RouteRevision } from '../shared/model.ts'
import { routesAnswerSchema } from '../shared/protocol.ts'
import type { Applied } from './decide/route-table.ts'
import type { Reachability } from './reachability.ts'
import type { TableFile } from './table-file.ts'
import type { Traffic } from './traffic.ts'

export interface RouteFollowerParts {
  readonly client: Pick<ControlClient, 'call'>
  readonly traffic: Traffic
  readonly file: Pick<TableFile, 'save'>
  readonly reachability: Reachability
  readonly log: Log
  readonly clock: Clock
}

/** The master waits up to 30 s for a change before it answers. */
const ANSWER_MS = 35_000
/** A master that answers at once without news is not asked more often than this. */
const PAUSE_MS = 200
const REFUSED_PAUSE_MS = 1_000

/** Keeps the routing table up to date until the signal aborts. */
export async function followRoutes(parts: RouteFollowerParts, signal: AbortSignal): Promise<void> {
  const { traffic, reachability, clock } = parts
  // The first question is for the whole table: it confirms at once what came from the disk.
  let after: RouteRevision | undefined
  while (!signal.aborted) {
    try {
      const applied = await askOnce(parts, after, signal)
      reachability.succeeded()
      after = applied.kind === 'gap' ? undefined : traffic.table.revision
      await clock.sleep(pauseAfter(applied), signal)
    } catch (error) {
      if (signal.aborted) return
      await clock.sleep(reachability.failed(error), signal)
    }
  }
}

async function askOnce(
  { client, traffic, file, log }: RouteFollowerParts,
  after: RouteRevision | undefined,
  signal: AbortSignal,
): Promise<Applied> {
  const query = after === undefined ? '' : `?after=${after.epoch}.${after.seq}`
  const answer = await client.call({
    method: 'GET',
    path: `/v1/routes${query}`,
    schema: routesAnswerSchema,
    deadlineMs: ANSWER_MS,
    signal,
  })
  const applied = traffic.apply(answer, after)
  if (applied.kind === 'refused') {
    log.warn('routing table refused', { reason: applied.reason })
  } else if (applied.kind === 'applied') {
    const { saved } = traffic.table
    if (saved !== undefined) void file.save(saved)
    log.debug('routing table in force', { ...answer.revision, removed: applied.removed.length })
  }
  return applied
}

function pauseAfter(applied: Applied): number {
  switch (applied.kind) {
    case 'applied':
      return 0
    case 'refused':
      return REFUSED_PAUSE_MS
    default:
      return PAUSE_MS
  }
}
