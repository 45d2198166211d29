/** What the engine has and how it is set up. */
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import type { Engine } from './engine.ts'
import { isAtLeast } from './engine-client.ts'
import { getFrom } from './engine-get.ts'

const infoSchema = z.object({
  NCPU: z.number().positive(),
  MemTotal: z.number().positive(),
  LoggingDriver: z.string().nullish(),
  DockerRootDir: z.string().nullish(),
})

export interface Facts {
  readonly cpus: number
  readonly memoryMb: number
  readonly loggingDriver: string
  /** Where it keeps images and volumes, as it sees its own machine. */
  readonly storage: string | undefined
  /** Whether an image's check may run more often while a container starts. */
  readonly hasStartInterval: boolean
}

/** An engine that was set up anew is believed after this time. */
const FRESH_MS = 60_000
const BYTES_PER_MB = 1_048_576

export class EngineFacts {
  readonly #engine: Engine
  readonly #clock: Clock
  #last: { readonly facts: Facts; readonly atMs: number } | undefined

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine
    this.#clock = clock
  }

  get last(): Facts | undefined {
    return this.#last?.facts
  }

  /** What was seen lately. */
  async get(signal?: AbortSignal): Promise<Facts> {
    const nowMs = this.#clock.nowMs()
    if (this.#last !== undefined && nowMs - this.#last.atMs < FRESH_MS) return this.#last.facts
    return await this.look(signal)
  }

  async look(signal?: AbortSignal): Promise<Facts> {
    const what = 'ask the Docker Engine what it has'
    const answer = await this.#engine.call(
      what,
      (docker, abortSignal) => getFrom(docker, '/info', { abortSignal }),
      { signal },
    )
    const { NCPU, MemTotal, LoggingDriver, DockerRootDir } = infoSchema.parse(answer)
    const memoryMb = Math.max(1, Math.floor(MemTotal / BYTES_PER_MB))
    const hasStartInterval = isAtLeast(await this.#engine.version(), [1, 44])
    const storage = DockerRootDir ?? undefined
    const loggingDriver = LoggingDriver ?? ''
    const facts = { cpus: NCPU, memoryMb, loggingDriver, storage, hasStartInterval }
    this.#last = { facts, atMs: this.#clock.nowMs() }
    return facts
  }
}
