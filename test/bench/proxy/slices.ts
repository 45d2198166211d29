/**
 * The processor time of one request. All proxies run at once, those that are not asked cost
 * nothing; short slices of load go round, forwards and backwards in turn, so that every round gives
 * one pair of each two proxies under the same conditions of the machine.
 */
import { systemClock } from '../../../shared/clock.ts'
import type { Contender } from '../peers/contenders.ts'
import { cpuMs } from '../process-tree.ts'
import { median } from '../report.ts'
import type { Workload } from './workloads.ts'

export interface Slice {
  readonly workload: string
  readonly proxy: string
  readonly round: number
  readonly requests: number
  readonly bad: number
  /** Of the whole process tree, per request. */
  readonly cpuUs: number
  readonly p50Ms?: number
}

export interface Pace {
  readonly rounds: number
  readonly sliceMs: number
  /** Before the first round: until so many requests were answered, or for so long. */
  readonly warmRequests: number
  readonly warmMaxMs: number
}

const REQUESTS_MIN = 200
const LONGER_MAX = 5
const WARM_TURN_MS = 250

export async function slices(
  workload: Workload,
  contenders: readonly Contender[],
  pace: Pace,
): Promise<readonly Slice[]> {
  for (const contender of contenders) await warm(workload, contender, pace)
  const measured: Slice[] = []
  for (let round = 0; round < pace.rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const contender of order) {
      measured.push(await slice(workload, contender, pace.sliceMs, round))
    }
  }
  return measured
}

/** Ours to the other's, each pair from one round; the ratios from the slices alone. */
export function pairedRatios(
  measured: readonly Slice[],
  workload: string,
  ours: string,
  other: string,
): readonly number[] {
  const of = (proxy: string): readonly Slice[] =>
    measured.filter((slice) => slice.workload === workload && slice.proxy === proxy)
  const others = new Map(of(other).map(({ round, cpuUs }) => [round, cpuUs]))
  return of(ours).flatMap(({ round, cpuUs }) => {
    const cost = others.get(round)
    return cost === undefined ? [] : [cpuUs / cost]
  })
}

export function medianCpuUs(
  measured: readonly Slice[],
  workload: string,
  proxy: string,
): number | null {
  const own = measured.filter((slice) => slice.workload === workload && slice.proxy === proxy)
  return median(own.map(({ cpuUs }) => cpuUs))
}

async function warm(workload: Workload, contender: Contender, pace: Pace): Promise<void> {
  const endsAtMs = systemClock.nowMs() + pace.warmMaxMs
  const turnMs = Math.min(pace.warmMaxMs, WARM_TURN_MS)
  for (let done = 0; done < pace.warmRequests && systemClock.nowMs() < endsAtMs; ) {
    done += (await workload.load(contender, turnMs)).done
  }
}

async function slice(
  workload: Workload,
  contender: Contender,
  ms: number,
  round: number,
): Promise<Slice> {
  const before = cpuMs(contender.pid)
  let { done, bad, p50Ms } = await workload.load(contender, ms)
  // On a busy machine a slice may be too short to say anything.
  for (let more = 0; done < REQUESTS_MIN && more < LONGER_MAX; more += 1) {
    const added = await workload.load(contender, ms)
    done += added.done
    bad += added.bad
    p50Ms = added.p50Ms
  }
  const spentMs = cpuMs(contender.pid) - before
  if (done === 0) {
    throw new Error(`Cannot measure ${workload.name}: ${contender.name} answered nothing`)
  }
  return {
    workload: workload.name,
    proxy: contender.name,
    round,
    requests: done,
    bad,
    cpuUs: (spentMs * 1000) / done,
    ...(p50Ms === undefined ? {} : { p50Ms }),
  }
}
