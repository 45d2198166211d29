/** The thread that owns the database: it waits for the disk, so that the master need not. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { StoreUnavailable } from '../store.ts'
import { type DirectoryLock, lockDirectory } from './lock.ts'
import type { Log, Outcome, Write } from './log.ts'
import type { Asked, Refusal, Request, ThreadOrder, Told } from './messages.ts'
import { type OpenLog, openLog } from './open-log.ts'
import { openRefusalOf } from './open-refused.ts'
import { refusalOf } from './refusals.ts'
import { SqliteFailure } from './sqlite-failure.ts'

/** So many waiting requests are taken together, their writes in one transaction. */
const GROUP_MAX = 512

const port = parentPort
if (port === null) throw new Error('Cannot run the store: it runs in a thread of the master')
run(workerData as ThreadOrder)

function tell(told: Told): void {
  port?.postMessage(told)
}

function run(order: ThreadOrder): void {
  try {
    const lock = lockDirectory(order.directory, order.processId)
    const opening = openLog(order)
    if (opening.kind === 'rebuilt') {
      tell(opening)
    } else {
      const { log, ...rest } = opening
      tell({ ...rest, head: log.log.head })
      listen(log, lock)
    }
  } catch (error) {
    const { message, final } = openRefusalOf(order.directory, error)
    tell({ kind: 'refused', message, final })
  }
}

/** When nothing listens any more the thread ends, and its connections with it. */
function listen(open: OpenLog, lock: DirectoryLock): void {
  port?.on('message', (first: Asked) => {
    const group = [first, ...waiting(GROUP_MAX - 1)]
    try {
      while (group.length > 0) serve(group, open, lock)
    } catch (error) {
      tell({ kind: 'broken', message: error instanceof Error ? error.message : String(error) })
      port?.close()
    }
  })
}

function waiting(countMax: number): Asked[] {
  const asked: Asked[] = []
  while (port !== null && asked.length < countMax) {
    const next = receiveMessageOnPort(port)
    if (next === undefined) break
    asked.push(next.message as Asked)
  }
  return asked
}

/** Takes the next request off the group, or as many writes as stand in a row. */
function serve(group: Asked[], open: OpenLog, lock: DirectoryLock): void {
  const others = group.findIndex(({ request }) => !isWrite(request))
  const writes = group.splice(0, others === -1 ? group.length : others)
  if (writes.length > 0) commit(writes, open.log)
  const asked = group.shift()
  if (asked?.request.kind === 'close') end(asked.id, open, lock)
  else if (asked !== undefined) answer(asked, open.log)
}

function isWrite(request: Request): request is Write {
  return request.kind === 'append' || request.kind === 'lead'
}

function commit(asked: readonly Asked[], log: Log): void {
  const outcomes = attempt(() => log.commit(asked.map(({ request }) => request).filter(isWrite)))
  for (const [at, { id }] of asked.entries()) {
    const outcome = outcomes.kind === 'declined' ? outcomes : outcomes.value[at]
    if (outcome !== undefined) tellOutcome(id, outcome)
  }
}

function tellOutcome(id: number, outcome: Outcome): void {
  if (outcome.kind === 'done') tell({ kind: 'answered', id, answer: outcome.head })
  else tell({ kind: 'declined', id, refusal: outcome.refusal })
}

function answer({ id, request }: Asked, log: Log): void {
  const attempted = attempt(() => answerOf(request, log))
  if (attempted.kind === 'done') tell({ kind: 'answered', id, answer: attempted.value })
  else tell({ kind: 'declined', id, refusal: attempted.refusal })
}

function answerOf(request: Request, log: Log): unknown {
  switch (request.kind) {
    case 'read':
      return log.read(request.revision, request.limit)
    case 'head':
      return log.head
    case 'snapshot-begin':
      return log.beginSnapshot(request.epoch, request.revision)
    case 'snapshot-chunks':
      return log.stageChunks(request.series, request.chunks)
    case 'snapshot-end':
      return log.endSnapshot(request)
    case 'snapshot-read':
      return log.snapshot()
    case 'snapshot-chunk':
      return log.chunk(request.series, request.place)
    default:
      throw new Error(`Cannot answer "${request.kind}" alone`)
  }
}

type Attempted<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'declined'; readonly refusal: Refusal }

/** A full disk declines and the database goes on; whatever else it throws breaks it. */
function attempt<T>(work: () => T): Attempted<T> {
  try {
    return { kind: 'done', value: work() }
  } catch (error) {
    const full = error instanceof SqliteFailure && error.isFull
    const refusal = refusalOf(full ? DISK_FULL : error)
    if (refusal === undefined) throw error
    return { kind: 'declined', refusal }
  }
}

const DISK_FULL = new StoreUnavailable('STORE_FULL', 'Cannot write to the log: the disk is full')

function end(id: number, open: OpenLog, lock: DirectoryLock): void {
  open.close()
  lock.release()
  tell({ kind: 'answered', id, answer: undefined })
  port?.close()
}
