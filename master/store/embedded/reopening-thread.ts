import { sentenceOf } from '../../../shared/errors.ts'
import { StoreUnavailable } from '../store.ts'
import type { Answers, LogHead, Recovery, Request, ThreadOrder } from './messages.ts'
import { type Opened, ThreadClient } from './thread-client.ts'

interface Started {
  readonly client: ThreadClient
  readonly opened: Opened
}

/**
 * The thread behind a store. When the disk failed it, its database is opened anew by another
 * thread, which takes back what was written but never acknowledged. Any other end is final.
 */
export class ReopeningThread {
  readonly failed: Promise<StoreUnavailable>
  readonly #place: URL
  readonly #order: ThreadOrder
  #client: Promise<ThreadClient> | undefined
  #acknowledged: LogHead | undefined
  /** Two threads never share the directory: the next waits for the end of the one before. */
  #previous: Promise<unknown> = Promise.resolve()
  #stopped: StoreUnavailable | undefined
  #closing = false
  #tellFailed: (error: StoreUnavailable) => void = () => undefined

  constructor(place: URL, directory: string) {
    this.#place = place
    this.#order = { directory, processId: process.pid }
    this.failed = new Promise((resolve) => {
      this.#tellFailed = resolve
    })
  }

  async open(): Promise<Recovery | undefined> {
    const first = await this.#start()
    if (first.opened.kind === 'opened') return this.#use(first).recovery
    // The first thread still holds the damaged database; a second one opens what it saved.
    this.#use(await this.#start())
    return first.opened.recovery
  }

  async ask<K extends Request['kind']>(
    request: Extract<Request, { kind: K }>,
  ): Promise<Answers[K]> {
    const client = await this.#current()
    const answer = await client.ask<K>(request)
    if (request.kind === 'append' || request.kind === 'lead') {
      this.#acknowledged = answer as LogHead
    }
    return answer
  }

  /** Waits for what was asked before, and for the directory to be free. */
  async close(): Promise<void> {
    this.#closing = true
    const client = await this.#client?.catch(ignoreUnavailable)
    await client?.ask<'close'>({ kind: 'close' }).catch(ignoreUnavailable)
    await this.#previous
  }

  #current(): Promise<ThreadClient> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped)
    this.#client ??= this.#reopen()
    return this.#client
  }

  async #reopen(): Promise<ThreadClient> {
    try {
      const started = await this.#start()
      this.#use(started)
      return started.client
    } catch (error) {
      this.#client = undefined
      if (error instanceof StoreUnavailable && error.trouble === 'STORE_FAILED') throw error
      throw this.#stop(sentenceOf(error))
    }
  }

  async #start(): Promise<Started> {
    await this.#previous
    const acknowledged = this.#acknowledged
    const order = acknowledged === undefined ? this.#order : { ...this.#order, acknowledged }
    const client = new ThreadClient(this.#place, order)
    this.#previous = client.ended
    return { client, opened: await client.opened }
  }

  #use({ client, opened }: Started): Extract<Opened, { kind: 'opened' }> {
    if (opened.kind !== 'opened') {
      throw new StoreUnavailable('STORE_REFUSED', opened.recovery.sentence)
    }
    this.#acknowledged = opened.head
    this.#client = Promise.resolve(client)
    void client.ending.then(({ replaceable, message }) => {
      if (this.#closing) return
      if (!replaceable) this.#stop(`Cannot use the log: ${message}`)
      else this.#client = this.#reopen()
      // Whoever asks next hears of it; until then nobody waits for the answer.
      this.#client?.catch(ignoreUnavailable)
    })
    return opened
  }

  #stop(message: string): StoreUnavailable {
    this.#stopped ??= new StoreUnavailable('STORE_STOPPED', message)
    this.#tellFailed(this.#stopped)
    return this.#stopped
  }
}

/** Closing what has failed already has nothing left to do. */
function ignoreUnavailable(error: unknown): undefined {
  if (!(error instanceof StoreUnavailable)) throw error
}
