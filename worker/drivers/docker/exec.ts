/** Commands that run inside a container. */
import { readFile } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import type { ExecCreateOptions, ExecStartOptions } from 'dockerode'
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import { killSession } from '../process/session.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'

export interface ExecParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
}

const stateSchema = z.object({
  Running: z.boolean(),
  ExitCode: z.number().nullish(),
  Pid: z.number().nullish(),
})

/** The engine closes the output a moment before it knows the code. */
const CODE_WAIT_MS = 5_000
const CODE_POLL_MS = 20
const UNKNOWN_CODE = 1

/** One command that was made ready in a container. */
export class Exec {
  readonly #parts: ExecParts
  readonly #container: string
  readonly #id: string

  private constructor(parts: ExecParts, container: string, id: string) {
    this.#parts = parts
    this.#container = container
    this.#id = id
  }

  static async create(
    parts: ExecParts,
    container: string,
    asked: ExecCreateOptions,
    signal: AbortSignal,
  ): Promise<Exec> {
    const options = { ...asked, AttachStdout: true, AttachStderr: true }
    const made = await parts.engine.call(
      'run a command',
      (docker, abortSignal) => docker.getContainer(container).exec({ ...options, abortSignal }),
      { signal },
    )
    return new Exec(parts, container, made.id)
  }

  start(options: ExecStartOptions, signal: AbortSignal): Promise<Duplex> {
    return this.#parts.engine.stream(
      'run a command',
      (docker, abortSignal) => this.#exec(docker).start({ ...options, abortSignal }),
      { signal },
    )
  }

  async resize(h: number, w: number): Promise<void> {
    await this.#parts.engine.call('resize a terminal', (docker, abortSignal) => {
      const options = { h, w, abortSignal }
      return this.#exec(docker).resize(options)
    })
  }

  /** Its exit code; waits a moment for it. */
  async code(): Promise<number> {
    const { clock } = this.#parts
    const untilMs = clock.nowMs() + CODE_WAIT_MS
    for (;;) {
      const { Running, ExitCode } = await this.#look()
      if (!Running || clock.nowMs() >= untilMs) return ExitCode ?? UNKNOWN_CODE
      await clock.sleep(CODE_POLL_MS)
    }
  }

  /** Whether there ever was a process of it. */
  async hasBegun(): Promise<boolean> {
    const { Pid } = await this.#look()
    return (Pid ?? 0) > 0
  }

  /** Ends it with all it started, where its process can be seen from here. */
  async kill(): Promise<void> {
    const { Running, Pid: pid = 0 } = await this.#look()
    if (!Running || pid === null || pid < 2) return
    if (await isInside(pid, this.#container)) await killSession(pid, this.#parts.clock)
    else this.#parts.log.warn('command goes on', { container: this.#container, pid })
  }

  async #look(): Promise<z.infer<typeof stateSchema>> {
    try {
      const answer = await this.#parts.engine.call('look at a command', (docker, abortSignal) =>
        this.#exec(docker).inspect({ abortSignal }),
      )
      return stateSchema.parse(answer)
    } catch (error) {
      // It went with its container.
      if (isRefused(error, 404)) return { Running: false }
      throw error
    }
  }

  #exec(docker: Docker) {
    return docker.getExec(this.#id)
  }
}

/** A process id of the engine's may mean somebody else here: its cgroup tells. */
async function isInside(pid: number, container: string): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  return text.includes(container)
}
