import { Worker } from 'node:worker_threads'
import { after } from '../../../shared/clock.ts'
import { StoreUnavailable } from '../store.ts'
import type { Answers, LogHead, Recovery, Request, ThreadOrder, Told } from './messages.ts'
import { errorOf } from './refusals.ts'

/** A disk that takes longer than this is taken for a dead one. */
const ANSWER_MAX_MS = 30_000
/** Opening reads the whole log once. */
const OPEN_MAX_MS = 120_000
const PENDING_MAX = 10_000

export type Opened =
  | { readonly kind: 'opened'; readonly head: LogHead; readonly recovery?: Recovery }
  | { readonly kind: 'rebuilt'; readonly recovery: Recovery }

/** How a thread ended: it gave its database up and may be replaced, or it is simply gone. */
export interface Ending {
  readonly replaceable: boolean
  readonly message: string
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  readonly cancelDeadline: () => void
}

/** The opening is a question like the others; its answer comes without having been asked. */
const OPENING = 0

/** One thread with its database: questions in, answers out, in order, none left without one. */
export class ThreadClient {
  readonly opened: Promise<Opened>
  /** Resolves as soon as nothing can be asked any more. */
  readonly ending: Promise<Ending>
  /** Resolves when the thread is gone and the directory is free again. */
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #lastId = OPENING
  #end: Ending | undefined
  #tellEnding: (ending: Ending) => void = () => undefined

  constructor(place: URL, order: ThreadOrder) {
    this.#worker = new Worker(place, { workerData: order, name: 'store' })
    this.opened = this.#expect(OPENING, OPEN_MAX_MS) as Promise<Opened>
    this.ending = new Promise((resolve) => {
      this.#tellEnding = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#finish(false, 'its thread ended')
        resolve()
      })
    })
    this.#worker.once('error', (error) =>
      this.#finish(false, `its thread crashed: ${error.message}`),
    )
    this.#worker.on('message', (told: Told) => this.#hear(told))
  }

  ask<K extends Request['kind']>(request: Extract<Request, { kind: K }>): Promise<Answers[K]> {
    if (this.#end !== undefined) return Promise.reject(unavailable(this.#end))
    if (this.#pending.size >= PENDING_MAX) return Promise.reject(tooMany())
    this.#lastId += 1
    const answer = this.#expect(this.#lastId, ANSWER_MAX_MS)
    this.#worker.postMessage({ id: this.#lastId, request })
    return answer as Promise<Answers[K]>
  }

  #expect(id: number, waitMaxMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancelDeadline = after(waitMaxMs, () => this.#kill(waitMaxMs))
      this.#pending.set(id, { resolve, reject, cancelDeadline })
    })
  }

  #hear(told: Told): void {
    switch (told.kind) {
      case 'opened':
      case 'rebuilt':
        this.#take(OPENING)?.resolve(told)
        break
      case 'refused':
        this.#take(OPENING)?.reject(refused(told))
        break
      case 'answered':
        this.#take(told.id)?.resolve(told.answer)
        break
      case 'declined':
        this.#take(told.id)?.reject(errorOf(told.refusal))
        break
      case 'broken':
        this.#finish(true, told.message)
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    pending?.cancelDeadline()
    return pending
  }

  #kill(waitedMs: number): void {
    this.#finish(false, `its disk has not answered for ${waitedMs / 1_000} s`)
    void this.#worker.terminate()
  }

  #finish(replaceable: boolean, message: string): void {
    const ending = this.#end ?? { replaceable, message }
    this.#end = ending
    // Before the callers hear of it, so that whoever asks again meets the next thread.
    this.#tellEnding(ending)
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(unavailable(ending))
  }
}

function refused({ message, final }: Extract<Told, { kind: 'refused' }>): StoreUnavailable {
  return new StoreUnavailable(final ? 'STORE_REFUSED' : 'STORE_FAILED', message)
}

function unavailable({ replaceable, message }: Ending): StoreUnavailable {
  const trouble = replaceable ? 'STORE_FAILED' : 'STORE_STOPPED'
  return new StoreUnavailable(trouble, `Cannot use the log: ${message}`)
}

function tooMany(): StoreUnavailable {
  return new StoreUnavailable('STORE_BUSY', `Cannot use the log: ${PENDING_MAX} calls wait already`)
}
