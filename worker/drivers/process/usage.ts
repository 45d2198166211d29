import type { Clock } from '../../../shared/clock.ts'
import type { ReplicaStats } from '../driver.ts'
import { listProcesses, type ProcessRow, pageBytes, TICKS_PER_SECOND } from './process-table.ts'

/** One look at the process table serves all replicas that ask within this time. */
const TABLE_AGE_MAX_MS = 500

interface Sample {
  readonly atMs: number
  readonly ticks: number
}

/** What each session uses: CPU since the last question, memory now. 100 % is one whole CPU. */
export class Usage {
  readonly #clock: Clock
  readonly #samples = new Map<number, Sample>()
  #table: Promise<readonly ProcessRow[]> | undefined
  #tableAtMs = 0
  #pageBytes: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async of(session: number): Promise<ReplicaStats> {
    const rows = (await this.#rows()).filter((row) => row.session === session)
    const ticks = sum(rows, (row) => row.cpuTicks)
    this.#pageBytes ??= await pageBytes()
    const memoryMb = (sum(rows, (row) => row.memoryPages) * this.#pageBytes) / 1_048_576
    const now = { atMs: this.#tableAtMs, ticks }
    const before = this.#samples.get(session)
    this.#samples.set(session, now)
    return { cpuPercent: before === undefined ? 0 : percent(before, now), memoryMb }
  }

  forget(session: number): void {
    this.#samples.delete(session)
  }

  #rows(): Promise<readonly ProcessRow[]> {
    const nowMs = this.#clock.nowMs()
    if (this.#table === undefined || nowMs - this.#tableAtMs > TABLE_AGE_MAX_MS) {
      this.#tableAtMs = nowMs
      this.#table = listProcesses()
    }
    return this.#table
  }
}

function percent(before: Sample, now: Sample): number {
  const elapsedMs = now.atMs - before.atMs
  if (elapsedMs <= 0) return 0
  // A member that ended takes its time with it: less than before means nothing was used.
  const seconds = Math.max(0, now.ticks - before.ticks) / TICKS_PER_SECOND
  return (seconds * 100_000) / elapsedMs
}

function sum(rows: readonly ProcessRow[], value: (row: ProcessRow) => number): number {
  return rows.reduce((total, row) => total + value(row), 0)
}
