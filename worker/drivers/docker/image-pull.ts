/** One pull, shared by all who wait for the image; ended when the last of them gives up. */
import { Readable } from 'node:stream'
import { z } from 'zod'
import { type CallDeadline, startDeadline } from '../../../shared/call-deadline.ts'
import type { Clock } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import { type ImageReference, nameOf, registryOf } from '../../../shared/image-reference.ts'
import type { Log } from '../../../shared/log.ts'
import type { StartProgress } from '../../../shared/stream-protocol.ts'
import { judgePull } from '../../decide/pull-failure.ts'
import { PullProgress } from '../../decide/pull-progress.ts'
import type { Engine } from './engine.ts'
import { EngineError, isRefused } from './engine-error.ts'
import { jsonLines } from './json-lines.ts'
import { PullError } from './pull-error.ts'
import type { Credentials, RegistryCredentials } from './registry-credentials.ts'

export interface PullParts {
  readonly image: ImageReference
  readonly name: string
  readonly engine: Pick<Engine, 'stream'>
  readonly credentials: RegistryCredentials
  readonly clock: Clock
  readonly log: Log
}

type Hear = (progress: StartProgress) => void

interface Waiter {
  readonly hear: Hear
  /** Until the registry's first word. */
  readonly patience?: CallDeadline
}

const TOLD_EVERY_MS = 200
/** A slow registry or disk may be silent for a while; a pull that stays silent is given up. */
const SILENCE_MAX_MS = 300_000
/** The engine itself would wait longer for a registry than a replica can that could start now. */
const FIRST_WORD_MAX_MS = 10_000

export class ImagePull {
  /** Settles with the pull itself, whoever waits for it. */
  readonly ended: Promise<void>
  readonly #parts: PullParts
  readonly #progress: PullProgress
  readonly #waiters = new Set<Waiter>()
  readonly #ending = new AbortController()
  #toldAtMs = Number.NEGATIVE_INFINITY
  #isNew = true
  #hasAnswered = false

  constructor(parts: PullParts) {
    this.#parts = parts
    this.#progress = new PullProgress(parts.name)
    this.ended = this.#run()
    // Each waiter learns of a failure by itself; those who left must not bring the worker down.
    this.ended.catch(() => undefined)
  }

  /** Whether the last waiter has given up: whoever comes now needs a new pull. */
  get isAbandoned(): boolean {
    return this.#ending.signal.aborted
  }

  /** Waits for it; giving up leaves the others. */
  async join(hear: Hear, signal: AbortSignal): Promise<void> {
    await this.#wait({ hear }, signal)
  }

  /** The same for who could do without it: not longer than a registry needs that works. */
  async joinBriefly(hear: Hear, signal: AbortSignal): Promise<void> {
    if (this.#hasAnswered) return await this.#wait({ hear }, signal)
    const patience = startDeadline(FIRST_WORD_MAX_MS)
    await this.#wait({ hear, patience }, signal).finally(patience.end)
  }

  async #wait(waiter: Waiter, signal: AbortSignal): Promise<void> {
    const { hear, patience } = waiter
    this.#waiters.add(waiter)
    hear(this.#progress.sum)
    const answered = patience === undefined ? this.ended : orAborted(this.ended, patience.signal)
    try {
      await orAborted(answered, signal)
    } catch (error) {
      if (signal.aborted) throw this.#late('it was not pulled in time')
      throw patience?.isOver() === true ? this.#unanswered() : error
    } finally {
      this.#waiters.delete(waiter)
      if (this.#waiters.size === 0) this.#ending.abort()
    }
  }

  async #run(): Promise<void> {
    const { image, name, credentials, log } = this.#parts
    const { auth, trouble } = await credentials.of(registryOf(image))
    try {
      await this.#pull(auth)
      if (this.#isNew) log.info('image pulled', { image: name })
    } catch (error) {
      throw this.#failed(error, { hasCredentials: auth !== undefined, trouble })
    }
  }

  async #pull(auth: Credentials['auth']): Promise<void> {
    const { engine, image, name } = this.#parts
    const silence = startDeadline(SILENCE_MAX_MS, this.#ending.signal)
    // The engine takes a digest in the place of a tag, and checks what comes against it.
    const wanted = { fromImage: nameOf(image), tag: image.digest ?? image.tag }
    try {
      const stream = await engine.stream(
        `pull ${name}`,
        async (docker, abortSignal) =>
          readable(await docker.createImage(auth, { ...wanted, abortSignal })),
        { signal: silence.signal, deadlineMs: SILENCE_MAX_MS },
      )
      for await (const line of jsonLines(stream)) {
        silence.restart(SILENCE_MAX_MS)
        this.#hear(messageSchema.parse(line))
      }
    } catch (error) {
      throw silence.isOver() ? this.#late('the Docker Engine fell silent') : error
    } finally {
      silence.stop()
    }
    this.#tell()
  }

  #hear({ status, id, progressDetail, error, errorDetail }: Message): void {
    // What was begun with 200 can fail all the same.
    const reason = errorDetail?.message ?? error
    if (reason !== undefined) throw new PullRefused(reason)
    if (!this.#hasAnswered) this.#answered()
    if (status?.startsWith('Status: Image is up to date') === true) this.#isNew = false
    const { current: doneBytes, total: totalBytes } = progressDetail ?? {}
    this.#progress.hear({ status, id, doneBytes, totalBytes })
    if (this.#parts.clock.nowMs() - this.#toldAtMs >= TOLD_EVERY_MS) this.#tell()
  }

  /** The engine's first word comes when it has heard the registry's. */
  #answered(): void {
    this.#hasAnswered = true
    for (const { patience } of this.#waiters) patience?.end()
  }

  #tell(): void {
    this.#toldAtMs = this.#parts.clock.nowMs()
    const { sum } = this.#progress
    for (const { hear } of this.#waiters) hear(sum)
  }

  /** An engine that is away stays its own kind of error: it says nothing of the image. */
  #failed(
    error: unknown,
    known: { hasCredentials: boolean; trouble: string | undefined },
  ): unknown {
    if (error instanceof PullError) return error
    if (error instanceof EngineError && !isRefused(error)) return error
    const { image, name } = this.#parts
    const { hasCredentials, trouble } = known
    const failure = judgePull(reasonOf(error), { where: whereIs(image), hasCredentials })
    if (failure.kind !== 'denied' || trouble === undefined) return new PullError(name, failure)
    return new PullError(name, { ...failure, clause: `${failure.clause}: ${trouble}` })
  }

  #unanswered(): PullError {
    const { image, name } = this.#parts
    const clause = `${whereIs(image)} does not answer within ${FIRST_WORD_MAX_MS / 1_000} s`
    return new PullError(name, { kind: 'unreachable', clause })
  }

  #late(clause: string): PullError {
    const { amount } = this.#progress
    const far = amount === undefined ? '' : `, ${amount}`
    return new PullError(this.#parts.name, { kind: 'late', clause: `${clause}${far}` })
  }
}

/** The engine gave a reason in the middle of the stream. */
class PullRefused extends Error {}

const messageSchema = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  progressDetail: z
    .object({ current: z.number().optional(), total: z.number().optional() })
    .nullish(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
})

type Message = z.infer<typeof messageSchema>

function reasonOf(error: unknown): string {
  if (error instanceof EngineError) return error.reason
  if (error instanceof PullRefused) return error.message
  return `the Docker Engine broke off: ${sentenceOf(error)}`
}

function whereIs(image: ImageReference): string {
  const registry = registryOf(image)
  return registry.startsWith('https:') ? 'Docker Hub' : `the registry ${registry}`
}

/** What dockerode gives out is more than its types say. */
function readable(stream: NodeJS.ReadableStream): Readable {
  if (stream instanceof Readable) return stream
  throw new Error('the Docker Engine sent no stream')
}

/** Rejects as soon as the signal aborts; the work itself goes on. */
function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason)
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give))
  })
}
