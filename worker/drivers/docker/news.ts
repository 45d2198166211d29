/** Turns what the engine tells into news of replicas. */
import { type Clock, repeat } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { NodeId, ReplicaId } from '../../../shared/model.ts'
import type { News } from '../driver.ts'
import type { Containers } from './containers.ts'
import { whyEnded } from './departure.ts'
import type { Engine } from './engine.ts'
import { isAway } from './engine-error.ts'
import type { EngineEvent } from './engine-event.ts'
import { EngineEvents } from './engine-events.ts'
import { codeReason } from './exit-reason.ts'
import { Gate } from './gate.ts'
import { type Inspected, isRunning } from './inspected.ts'
import type { Roster } from './roster.ts'
import type { Trouble } from './trouble.ts'

export interface NewsParts {
  readonly engine: Engine
  readonly containers: Containers
  readonly roster: Roster
  readonly trouble: Trouble
  readonly clock: Clock
  readonly log: Log
  readonly node: () => NodeId
  /** It has ended, whoever did it. */
  readonly onEnded: (replica: ReplicaId) => void
}

/** Events may be lost without a sign. */
const MISSED_EVERY_MS = 30_000
const PING_EVERY_MS = 2_000
const PING_IN_TROUBLE_MS = 500
const EVENTS_AT_ONCE = 8
const END_WAIT_MS = 2_000
const END_POLL_MS = 50

/** Tells news until the signal aborts. */
export async function tellNews(
  parts: NewsParts,
  hear: (news: News) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, trouble } = parts
  const gate = new Gate(EVENTS_AT_ONCE)
  const tasks = new Set<Promise<void>>()
  const onEvent = (event: EngineEvent): void => {
    const task = gate.run(() => digest(parts, event, hear)).finally(() => tasks.delete(task))
    tasks.add(task)
  }
  const onOpen = (): void => hear({ kind: 'missed' })
  const events = new EngineEvents({ ...parts, onEvent, onOpen })
  const silence = trouble.listen(() => {
    hear({ kind: 'trouble' })
    events.reopen()
  })
  const missing = async (): Promise<void> => {
    await clock.sleep(MISSED_EVERY_MS, signal)
    if (!signal.aborted) onOpen()
  }
  await Promise.all([
    events.run(signal),
    repeat(missing, 0, clock, signal),
    keepPinging(parts, signal),
  ])
  silence()
  await Promise.all(tasks)
}

async function keepPinging({ trouble, clock }: NewsParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await trouble.check()
    const isWell = trouble.sentence === undefined
    await clock.sleep(isWell ? PING_EVERY_MS : PING_IN_TROUBLE_MS, signal)
  }
}

async function digest(
  parts: NewsParts,
  event: EngineEvent,
  hear: (news: News) => void,
): Promise<void> {
  const { replica } = event
  if (replica === undefined) return
  try {
    if (event.action === 'die') await tellExit(parts, { ...event, replica }, hear)
    else if (event.action !== 'start') await tellOpinion(parts, { ...event, replica }, hear)
    else if (parts.roster.hasEnded(event.container)) {
      // Somebody else has started it again.
      parts.roster.revived(event.container)
      hear({ kind: 'missed' })
    }
  } catch (error) {
    // Once the engine answers again, everything is looked at anew.
    const { container } = event
    if (!isAway(error)) {
      parts.log.warn('event not understood', { container, reason: sentenceOf(error) })
      hear({ kind: 'missed' })
    }
  }
}

interface Told extends EngineEvent {
  readonly replica: ReplicaId
}

async function tellExit(
  parts: NewsParts,
  { container: handle, replica, exitCode, atMs }: Told,
  hear: (news: News) => void,
): Promise<void> {
  const { roster } = parts
  if (roster.hasEnded(handle)) return
  const inspected = await lookAfter(parts, handle, atMs)
  // Started again meanwhile, by somebody else: it is looked at as a whole.
  if (inspected !== undefined && isRunning(inspected)) return hear({ kind: 'missed' })
  const gone = `${codeReason(exitCode)} and was removed`
  const reason = inspected === undefined ? gone : await whyEnded(parts, inspected)
  if (!roster.ended(replica, handle)) return
  parts.onEnded(replica)
  hear({ kind: 'exit', replica, handle, reason })
}

/** Some engines tell of an end a moment before they have written it down. */
async function lookAfter(
  { containers, clock }: NewsParts,
  handle: string,
  atMs: number,
): Promise<Inspected | undefined> {
  const untilMs = clock.nowMs() + END_WAIT_MS
  for (;;) {
    const seen = await containers.inspect(handle)
    if (seen === undefined || !isRunning(seen)) return seen
    if (Date.parse(seen.state.StartedAt) > atMs || clock.nowMs() >= untilMs) return seen
    await clock.sleep(END_POLL_MS)
  }
}

async function tellOpinion(
  { containers, roster }: NewsParts,
  { container, replica }: Told,
  hear: (news: News) => void,
): Promise<void> {
  const inspected = await containers.inspect(container)
  if (inspected !== undefined && roster.seen(replica, inspected)) hear({ kind: 'opinion', replica })
}
