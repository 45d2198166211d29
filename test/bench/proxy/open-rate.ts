/** Latency at a steady rate that nobody slows down: an answer counts from when it was due. */
import type { Contender } from '../peers/contenders.ts'
import type { Stand } from '../peers/stand.ts'
import { median } from '../report.ts'
import { LOAD_CPU } from './workloads.ts'

export interface OpenSlice {
  readonly proxy: string
  readonly round: number
  readonly sent: number
  readonly done: number
  readonly bad: number
  readonly p50Us: number
  readonly p99Us: number
}

export interface OpenPace {
  readonly rounds: number
  readonly seconds: number
}

const RATE = 2_000
const CONNECTIONS = 64

export async function openSlices(
  stand: Stand,
  program: string,
  contenders: readonly Contender[],
  { rounds, seconds }: OpenPace,
): Promise<readonly OpenSlice[]> {
  const measured: OpenSlice[] = []
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const { name, port } of order) {
      const argv = [program, port, RATE, seconds, CONNECTIONS, '/100'].map(String)
      const said = JSON.parse(await stand.run(argv, { cpu: LOAD_CPU }))
      const { sent, done, err: bad, p50: p50Us, p99: p99Us } = said
      measured.push({ proxy: name, round, sent, done, bad, p50Us, p99Us })
    }
  }
  return measured
}

export function p50Ratio(measured: readonly OpenSlice[], ours: string, other: string) {
  const of = (proxy: string) => measured.filter((slice) => slice.proxy === proxy)
  const others = new Map(of(other).map(({ round, p50Us }) => [round, p50Us]))
  return median(
    of(ours).flatMap(({ round, p50Us }) => {
      const latency = others.get(round)
      return latency === undefined || latency === 0 ? [] : [p50Us / latency]
    }),
  )
}
