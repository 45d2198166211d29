/** One scenario: every contender at once in front of a set of replicas of its own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/program.ts'
import { type Contender, listening } from '../peers/contenders.ts'
import type { Running, Stand } from '../peers/stand.ts'
import { type Outcome, outcomes } from './outcome.ts'
import { REPLICAS, type Scenario } from './scenario.ts'

export interface Programs {
  readonly replica: string
  readonly arrivals: string
}

export interface Length {
  readonly seed: number
  /** Before anything is counted: programs and what they learn get warm. */
  readonly warmSeconds: number
  readonly seconds: number
}

export interface Entrant extends Contender {
  /** Goes on beside the requests that are counted. */
  counted?(): Promise<void>
  /** It was ended. */
  over?(): Promise<void>
}

/** Starts a contender in front of these ports. */
export type Entry = (upstreams: readonly number[]) => Promise<Entrant>

export interface Contest {
  readonly outcomes: readonly Outcome[]
  /** How late the load itself was, in milliseconds. */
  readonly lateness: { readonly p50: number; readonly p99: number; readonly max: number }
}

export async function contest(
  stand: Stand,
  programs: Programs,
  scenario: Scenario,
  { entries, length }: { readonly entries: readonly Entry[]; readonly length: Length },
): Promise<Contest> {
  const sets: Running[] = []
  const contenders: Entrant[] = []
  try {
    for (const entry of entries) {
      const ports = await freePorts(REPLICAS)
      const told = [...scenario.replicas, ...ports.map((port) => `port=${port}`)]
      const set = stand.start([programs.replica, ...told])
      sets.push(set)
      await listening(set, 'the replicas', ports.at(-1) ?? 0)
      contenders.push(await entry(ports))
    }
    const { seed, warmSeconds, seconds } = length
    const run = (ownSeed: number, lasting: number): Promise<Contest> =>
      arrivals(stand, programs.arrivals, contenders, [ownSeed, scenario.perSecond, lasting])
    await run(seed + 1, warmSeconds)
    const beside = contenders.map((contender) => contender.counted?.())
    const counted = await run(seed, seconds)
    await Promise.all(beside)
    return counted
  } finally {
    await Promise.all([...contenders, ...sets].map((running) => stand.end(running)))
    await Promise.all(contenders.map((contender) => contender.over?.()))
  }
}

async function arrivals(
  stand: Stand,
  program: string,
  contenders: readonly Contender[],
  shape: readonly number[],
): Promise<Contest> {
  const file = join(stand.folder('arrivals'), 'out')
  const ports = contenders.map(({ port }) => String(port))
  const said = await stand.run([program, ...shape.map(String), file, ...ports], {
    timeoutMs: 900_000,
  })
  const { late_p50: p50, late_p99: p99, late_max: max } = JSON.parse(said)
  const bytes = readFileSync(file)
  const records = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  )
  const names = contenders.map(({ name }) => name)
  return { outcomes: outcomes(records, names), lateness: { p50, p99, max } }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}
