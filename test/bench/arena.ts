/** Where the reaction to a slow service is measured. */
import type { Load } from '../support/load.ts'
import { until } from '../support/until.ts'
import { memoryOf, rssMb } from './process-tree.ts'

export interface Arena {
  /** From the first answer over the objective to the first answer of the new replica. */
  react(): Promise<number>
  /** The same program started by hand: until it answers, polled every 10 ms. */
  bareStart(): Promise<number>
  /** Resident memory of the idle programs, and whatever else this arena can tell. */
  weigh(quick: boolean): Promise<Weights>
  /** What a figure must be read with. */
  readonly notes: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Null: not measured, for the reason in the notes. */
export type Weights = Readonly<Record<string, number | null>>

/** What the idle programs have in memory; the proxy is two processes, its parent and its carrier. */
export function programWeights(
  pids: Readonly<Record<'master' | 'worker' | 'proxy', number>>,
): Weights {
  const proxy = memoryOf(pids.proxy)
  return {
    'rss_mb.master': rssMb(pids.master),
    'rss_mb.worker': rssMb(pids.worker),
    'rss_mb.proxy': proxy.mb,
    'rss_mb.proxy_sum': proxy.sumMb,
  }
}

/** How the two figures of the proxy differ. */
export const PROXY_NOTES = {
  'rss_mb.proxy': 'parent and carrier, file pages that they share counted once',
  'rss_mb.proxy_sum': 'parent and carrier, shared pages counted for each',
}

export const OBJECTIVE_MS = 100
export const SLOW_MS = 150
export const REQUESTS_PER_SECOND = 100
const WARM_ANSWERS = 300
/** V8 gives back what a start has used after a quarter of a minute or so: before, nothing is idle. */
const IDLE_MS = { full: 60_000, quick: 20_000 }

/** Warms up, slows the one replica down, and waits for the first answer of another. */
export async function reaction(load: Load, old: string, slowDown: () => unknown): Promise<number> {
  const isWell = ({ status }: { status: number }): boolean => status === 200
  await until(() => load.answers.filter(isWell).length > WARM_ANSWERS, { timeoutMs: 60_000 })
  const fromAt = load.answers.length
  await slowDown()
  const isFresh = (answer: { status: number; replica: string }): boolean =>
    isWell(answer) && answer.replica !== old
  await until(() => load.answers.some(isFresh), { everyMs: 10, timeoutMs: 60_000 })
  const ended = load.answers.map((answer) => ({ ...answer, endedMs: answer.atMs + answer.tookMs }))
  const slow = ended.slice(fromAt).filter(({ tookMs }) => tookMs > OBJECTIVE_MS)
  const first = (answers: readonly { endedMs: number }[]): number =>
    Math.min(...answers.map(({ endedMs }) => endedMs))
  return first(ended.filter(isFresh)) - first(slow)
}

export async function polledStart(answers: () => Promise<boolean>): Promise<number> {
  const startedMs = Date.now()
  await until(answers, { everyMs: 10 })
  return Date.now() - startedMs
}

export async function idle(quick: boolean): Promise<void> {
  const ms = quick ? IDLE_MS.quick : IDLE_MS.full
  const untilMs = Date.now() + ms
  await until(() => Date.now() > untilMs, { timeoutMs: 2 * ms, everyMs: 500 })
}
