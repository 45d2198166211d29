import type { Bell } from '../shared/bell.ts'
import type { Clock } from '../shared/clock.ts'
import type { ControlClient } from '../shared/control-client.ts'
import { RequestError, sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { measurementsAnswerSchema, WIRE_VERSION } from '../shared/protocol.ts'
import type { Leavers } from './decide/leavers.ts'
import type { Report, Reports } from './decide/reports.ts'
import type { Membership } from './membership.ts'
import type { Reachability } from './reachability.ts'
import type { Traffic } from './traffic.ts'

export interface MeasurementSenderParts {
  readonly client: Pick<ControlClient, 'call'>
  readonly membership: Member
  readonly traffic: Traffic
  readonly reports: Reports
  /** Other processes of this proxy, which report through this one. */
  readonly leavers: Leavers
  readonly reachability: Reachability
  /** Rings when the master should hear at once. */
  readonly bell: Bell
  readonly everyMs: number
  readonly log: Log
  readonly clock: Clock
}

/** What of the membership is needed to report. */
export interface Member extends Pick<Membership, 'id' | 'boot' | 'renewIfDue'> {
  /** The master does not know this process (any more). */
  join(signal: AbortSignal): Promise<unknown>
}

const DEADLINE_MS = 2_000
/** However often the bell rings, reports are at least this far apart. */
const APART_MS = 50
/** What the master finds wrong in a report will not get better by sending it again. */
const UNACCEPTABLE = new Set([400, 413, 422])

/**
 * Tells the master what was measured: each second, and at once when a replica went out of use.
 * Between two reports `silence` ends it, in the middle of one only the signal does.
 */
export async function sendMeasurements(
  parts: MeasurementSenderParts,
  signal: AbortSignal,
  silence: AbortSignal,
): Promise<void> {
  const { bell, clock, everyMs } = parts
  while (!silence.aborted) {
    const sentAtMs = clock.nowMs()
    const pauseMs = await sendOnce(parts, signal)
    await clock.sleep(APART_MS, silence)
    const restMs = (pauseMs ?? everyMs) - (clock.nowMs() - sentAtMs)
    await bell.wait(Math.max(0, restMs), clock, silence)
  }
}

/** One report on its way; answers how long to wait before the next, if not as usual. */
export async function sendOnce(
  parts: MeasurementSenderParts,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { reports, reachability, clock, log } = parts
  const report = reports.next(clock.nowMs())
  try {
    const pauseMs = await deliver(parts, report, signal)
    reachability.succeeded()
    return pauseMs
  } catch (error) {
    if (signal.aborted) return 0
    if (error instanceof RequestError && UNACCEPTABLE.has(error.status)) {
      log.error('measurements refused by the master', { reason: sentenceOf(error) })
      reports.acknowledged(report.seq)
      return undefined
    }
    const pauseMs = reachability.failed(error)
    const requests = reports.forgetOld(clock.nowMs())
    if (requests > 0) log.warn('measurements too old to be told', { requests })
    // A ring that nobody heard stands for a drain: it is worth trying again soon.
    return Math.min(pauseMs, parts.everyMs)
  }
}

async function deliver(
  parts: MeasurementSenderParts,
  report: Report,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { client, membership, traffic, reports } = parts
  const { table } = traffic
  const answer = await client.call({
    method: 'POST',
    path: '/v1/measurements',
    body: bodyOf(parts, report),
    schema: measurementsAnswerSchema,
    deadlineMs: DEADLINE_MS,
    // The master counts each sequence number once.
    idempotent: true,
    signal,
  })
  if (answer.wantJoin) {
    await membership.join(signal)
    return 0
  }
  // A leader of the past may take reports and give orders, but nobody follows it any more.
  if (answer.epoch < (table.revision?.epoch ?? 0)) return undefined
  reports.acknowledged(report.seq)
  traffic.put({
    permits: new Map(Object.entries(answer.permits)),
    learned: new Set(answer.learned),
  })
  await membership.renewIfDue(signal)
  return undefined
}

/** What is in flight and in force is always told as it is now, also with an older report. */
function bodyOf({ membership, traffic, leavers }: MeasurementSenderParts, report: Report): unknown {
  const { table, inFlight } = traffic
  return {
    wire: WIRE_VERSION,
    proxy: membership.id,
    boot: membership.boot,
    seq: report.seq,
    durationMs: report.durationMs,
    routes: leavers.routes(table.revision ?? { epoch: 0, seq: 0 }),
    services: report.services,
    inFlight: leavers.inFlight(inFlight),
  }
}
