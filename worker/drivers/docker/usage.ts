/** What each container uses: from the kernel's files where they can be read, else by the engine. */
import type { ReplicaId } from '../../../shared/model.ts'
import { type UsageSample, usageBetween } from '../../decide/usage-samples.ts'
import type { ReplicaStats } from '../driver.ts'
import { type ContainerProcess, KERNEL, type KernelFolders, readCgroup } from './cgroup-files.ts'
import { type StatsParts, StatsStream } from './stats-stream.ts'

export interface Usage {
  /** From now on it is this container; the same one again changes nothing. */
  attach(replica: ReplicaId, container: ContainerProcess): void
  detach(replica: ReplicaId): void
  /** Since the last question; undefined when that is not known. Never rejects. */
  of(replica: ReplicaId): Promise<ReplicaStats | undefined>
  close(): void
}

export interface UsageParts extends StatsParts {
  readonly folders?: KernelFolders
}

export function createUsage(parts: UsageParts): Usage {
  const meters = new Map<ReplicaId, Meter>()
  const detach = (replica: ReplicaId): void => {
    meters.get(replica)?.close()
    meters.delete(replica)
  }
  return {
    attach: (replica, container) => {
      if (meters.get(replica)?.isOf(container)) return
      detach(replica)
      meters.set(replica, new Meter(parts, container))
    },
    detach,
    of: async (replica) => meters.get(replica)?.figures(),
    close: () => {
      for (const replica of [...meters.keys()]) detach(replica)
    },
  }
}

/** What the engine told longer ago than this is no longer so. */
const TOLD_AGE_MAX_MS = 5_000

/** One container's. */
class Meter {
  readonly #parts: UsageParts
  readonly #container: ContainerProcess
  readonly #stream: StatsStream
  /** Decided once, by the first look. */
  readonly #hasFiles: Promise<boolean>
  #before: UsageSample | undefined
  #figures: ReplicaStats | undefined
  #figuredAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: UsageParts, container: ContainerProcess) {
    this.#parts = parts
    this.#container = container
    this.#stream = new StatsStream(parts, container.id, (sample) => this.#take(sample))
    this.#hasFiles = this.#look()
  }

  isOf({ id, pid }: ContainerProcess): boolean {
    return this.#container.id === id && this.#container.pid === pid
  }

  async figures(): Promise<ReplicaStats | undefined> {
    if (await this.#hasFiles) return (await this.#look()) ? this.#figures : undefined
    this.#stream.ensureOpen()
    const ageMs = this.#parts.clock.nowMs() - this.#figuredAtMs
    return ageMs > TOLD_AGE_MAX_MS ? undefined : this.#figures
  }

  close(): void {
    this.#stream.close()
  }

  /** Whether there was anything to see. */
  async #look(): Promise<boolean> {
    const { folders = KERNEL, clock } = this.#parts
    const sample = await readCgroup(this.#container, folders, clock)
    if (sample !== undefined) this.#take(sample)
    return sample !== undefined
  }

  #take(sample: UsageSample): void {
    this.#before ??= sample
    const figures = usageBetween(this.#before, sample)
    if (figures === undefined) return
    this.#before = sample
    this.#figures = figures
    this.#figuredAtMs = this.#parts.clock.nowMs()
  }
}
