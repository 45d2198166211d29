/** The way to the Docker Engine: every call with a deadline, every failure as one sentence. */
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { type CallDeadline, startDeadline } from '../../../shared/call-deadline.ts'
import type { EngineAddress } from './engine-address.ts'
import { type ApiVersion, connectEngine, type EngineClient } from './engine-client.ts'
import { EngineError } from './engine-error.ts'
import { whyFailed } from './engine-failure.ts'

export interface Engine {
  /** As people name it: `unix:///var/run/docker.sock`. */
  readonly address: string
  /**
   * Asks once. `what` completes "Cannot …": `create container "web"`. `ask` hands the signal on as
   * `abortSignal`. Throws nothing but EngineError.
   */
  call<T>(what: string, ask: Ask<T>, options?: CallOptions): Promise<T>
  /**
   * Opens a stream of bytes: the deadline is for its beginning only, the signal closes it at any
   * time. Whoever takes it destroys it.
   */
  stream<S extends Stream>(what: string, ask: Ask<S>, options: StreamOptions): Promise<S>
  /** Whether it answers, and the API version that is spoken with it: `[1, 41]`. */
  ping(deadlineMs: number): Promise<ApiVersion>
  /** The version that was agreed upon. */
  version(): Promise<ApiVersion>
  close(): void
}

export type Ask<T> = (docker: Docker, signal: AbortSignal) => Promise<T>
export type Stream = Pick<Readable, 'destroy' | 'once' | 'on'>

export interface CallOptions {
  /** 10 s when it is not given. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface StreamOptions {
  readonly signal: AbortSignal
  readonly deadlineMs?: number
}

export interface EngineParts {
  readonly address: EngineAddress
  /** Told of every call: that the engine answered (undefined), or why it did not. */
  readonly onOutcome: (failure: EngineError | undefined) => void
}

export const CALL_DEADLINE_MS = 10_000

export function openEngine(parts: EngineParts): Engine {
  return new LazyEngine(parts)
}

class LazyEngine implements Engine {
  readonly #parts: EngineParts
  #client: Promise<EngineClient> | undefined
  #version: ApiVersion | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  get address(): string {
    return this.#parts.address.shown
  }

  call<T>(what: string, ask: Ask<T>, options: CallOptions = {}): Promise<T> {
    return this.#attempt(what, options, async (signal) => {
      const { docker } = await this.#ready(signal)
      return ask(docker, signal)
    })
  }

  async stream<S extends Stream>(what: string, ask: Ask<S>, options: StreamOptions): Promise<S> {
    const stream = await this.#attempt(what, options, async (signal) => {
      const { docker } = await this.#ready(signal)
      const opened = await ask(docker, signal)
      // Errors are seen by whoever reads; one that comes while nobody does must not end the worker.
      opened.on('error', () => undefined)
      // It came too late: nobody waits for it any more.
      if (signal.aborted) opened.destroy()
      return opened
    })
    tie(stream, options.signal)
    return stream
  }

  async ping(deadlineMs: number): Promise<ApiVersion> {
    const what = 'reach the Docker Engine'
    return this.#attempt(what, { deadlineMs }, async (signal) => {
      const client = await this.#connected()
      this.#version = await client.negotiate(signal)
      return this.#version
    })
  }

  async version(): Promise<ApiVersion> {
    return this.#version ?? this.ping(CALL_DEADLINE_MS)
  }

  close(): void {
    this.#client?.then(
      (client) => client.close(),
      () => undefined,
    )
  }

  async #ready(signal: AbortSignal): Promise<EngineClient> {
    const client = await this.#connected()
    this.#version ??= await client.negotiate(signal)
    return client
  }

  #connected(): Promise<EngineClient> {
    this.#client ??= connectEngine(this.#parts.address).catch((error: unknown) => {
      // Certificates may be put right later.
      this.#client = undefined
      throw error
    })
    return this.#client
  }

  async #attempt<T>(
    what: string,
    options: CallOptions,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadlineMs = options.deadlineMs ?? CALL_DEADLINE_MS
    const limit = startDeadline(deadlineMs, options.signal)
    try {
      const answer = await outlasting(ask(limit.signal), limit.signal)
      this.#parts.onOutcome(undefined)
      return answer
    } catch (error) {
      throw this.#failed(error, { what, limit, deadlineMs })
    } finally {
      limit.end()
    }
  }

  #failed(error: unknown, { what, limit, deadlineMs }: Attempt): EngineError {
    const isGivenUp = limit.signal.aborted && !limit.isOver()
    const lateMs = limit.isOver() ? deadlineMs : undefined
    const why = whyFailed(error, { address: this.address, isGivenUp, lateMs })
    const failure = new EngineError(what, why, { cause: error })
    // An engine that was replaced by another version is asked anew which one it speaks.
    if (why.status === 400 && /API version|client version/.test(why.reason))
      this.#version = undefined
    if (why.failure === 'refused') this.#parts.onOutcome(undefined)
    else if (why.failure !== 'aborted') this.#parts.onOutcome(failure)
    return failure
  }
}

interface Attempt {
  readonly what: string
  readonly limit: CallDeadline
  readonly deadlineMs: number
}

/** The transport never says that an answer broke off in its middle: then the signal does. */
function outlasting<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason)
    const done = (): void => signal.removeEventListener('abort', give)
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true })
    work.then(resolve, reject).finally(done)
  })
}

function tie(stream: Stream, signal: AbortSignal): void {
  const close = (): void => {
    stream.destroy()
  }
  if (signal.aborted) close()
  signal.addEventListener('abort', close, { once: true })
  stream.once('close', () => signal.removeEventListener('abort', close))
}
