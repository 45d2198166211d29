/** What one container uses, as the engine tells it: one stream, for a single question costs 2 s. */
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import { heldBytes } from '../../decide/cgroup-usage.ts'
import type { UsageSample } from '../../decide/usage-samples.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'
import { openFrom } from './engine-get.ts'
import { jsonLines } from './json-lines.ts'

export interface StatsParts {
  readonly engine: Pick<Engine, 'stream'>
  readonly clock: Clock
  readonly log: Log
}

const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 30_000

/**
 * Opened by the first question, and opened anew by a later one when it has broken: while nobody
 * asks, nothing is tried.
 */
export class StatsStream {
  readonly #parts: StatsParts
  readonly #container: string
  readonly #hear: (sample: UsageSample) => void
  readonly #closing = new AbortController()
  #isOpen = false
  #retryMs = RETRY_MIN_MS
  #mayOpenAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: StatsParts, container: string, hear: (sample: UsageSample) => void) {
    this.#parts = parts
    this.#container = container
    this.#hear = hear
  }

  ensureOpen(): void {
    const { clock } = this.#parts
    if (this.#isOpen || this.#closing.signal.aborted || clock.nowMs() < this.#mayOpenAtMs) return
    this.#isOpen = true
    void this.#follow()
  }

  close(): void {
    this.#closing.abort()
  }

  async #follow(): Promise<void> {
    const container = this.#container
    try {
      await this.#read()
    } catch (error) {
      // A container that is gone has no more to say.
      if (isRefused(error, 404)) return this.close()
      if (!this.#closing.signal.aborted) {
        this.#parts.log.debug('stats broken', { container, reason: sentenceOf(error) })
      }
    } finally {
      this.#isOpen = false
      this.#mayOpenAtMs = this.#parts.clock.nowMs() + this.#retryMs
      this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2)
    }
  }

  async #read(): Promise<void> {
    const { engine } = this.#parts
    const id = this.#container
    const stream = await engine.stream(
      `read what container ${id.slice(0, 12)} uses`,
      (docker, abortSignal) =>
        openFrom(docker, `/containers/${id}/stats`, { abortSignal, query: { stream: true } }),
      { signal: this.#closing.signal },
    )
    for await (const line of jsonLines(stream)) {
      const sample = parseStats(line)
      if (sample === undefined) continue
      this.#retryMs = RETRY_MIN_MS
      this.#hear(sample)
    }
  }
}

const bytes = z.number().nonnegative()
const statsSchema = z.object({
  read: z.string(),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: bytes }) }),
  memory_stats: z.object({
    usage: bytes.optional(),
    stats: z
      .object({ total_inactive_file: bytes.optional(), inactive_file: bytes.optional() })
      .nullish(),
  }),
  networks: z.record(z.string(), z.object({ rx_bytes: bytes, tx_bytes: bytes })).nullish(),
  blkio_stats: z
    .object({
      io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: bytes })).nullish(),
    })
    .nullish(),
})

type Stats = z.infer<typeof statsSchema>

/** Undefined while the container does not run: then the engine tells of an empty moment. */
export function parseStats(line: unknown): UsageSample | undefined {
  const { read, cpu_stats, memory_stats, networks, blkio_stats } = statsSchema.parse(line)
  const atMs = Date.parse(read)
  if (!(atMs > 0) || memory_stats.usage === undefined) return undefined
  const { total_inactive_file, inactive_file } = memory_stats.stats ?? {}
  return {
    atMs,
    cpuMs: cpu_stats.cpu_usage.total_usage / 1e6,
    memoryBytes: heldBytes(memory_stats.usage, total_inactive_file ?? inactive_file ?? 0),
    ...(networks ? networkOf(Object.values(networks)) : {}),
    ...(blkio_stats ? diskOf(blkio_stats.io_service_bytes_recursive ?? []) : {}),
  }
}

type Interface = NonNullable<Stats['networks']>[string]
type Device = NonNullable<NonNullable<Stats['blkio_stats']>['io_service_bytes_recursive']>[number]

function networkOf(interfaces: readonly Interface[]): Partial<UsageSample> {
  return {
    networkInBytes: sum(interfaces.map(({ rx_bytes }) => rx_bytes)),
    networkOutBytes: sum(interfaces.map(({ tx_bytes }) => tx_bytes)),
  }
}

/** The versions of control groups write the same words differently. */
function diskOf(devices: readonly Device[]): Partial<UsageSample> {
  const of = (op: string): number =>
    sum(devices.filter((device) => device.op.toLowerCase() === op).map(({ value }) => value))
  return { diskReadBytes: of('read'), diskWriteBytes: of('write') }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
