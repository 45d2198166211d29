/** What a program and everything it started cost, from the operating system's own accounting. */
import { readdirSync, readFileSync } from 'node:fs'

export interface TreeMemory {
  /** Pages that several processes of the tree map from one file are counted once. */
  readonly mb: number
  /** The plain sum of VmRSS, in which they count for each. */
  readonly sumMb: number
  readonly processes: number
}

const SIGINT_BIT = 2n

/** The process and all that descend from it, parents first. */
export function treeOf(pid: number): readonly number[] {
  const found = [pid]
  for (const parent of found) found.push(...childrenOf(parent))
  return found
}

export function childrenOf(pid: number): readonly number[] {
  const texts = tasksOf(pid).map((task) => read(`/proc/${pid}/task/${task}/children`))
  return texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number))
}

/** Time on a processor since the start, of every thread of the tree. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0
  for (const process of treeOf(pid)) {
    for (const task of tasksOf(process)) {
      nanoseconds += Number(read(`/proc/${process}/task/${task}/schedstat`).split(' ')[0] ?? 0)
    }
  }
  return nanoseconds / 1e6
}

/** What one process alone has resident. */
export function rssMb(pid: number): number {
  return megabytes(read(`/proc/${pid}/status`), 'VmRSS')
}

export function memoryOf(pid: number): TreeMemory {
  const sheets = treeOf(pid).map((process) => read(`/proc/${process}/status`))
  const all = (name: string): number[] => sheets.map((sheet) => megabytes(sheet, name))
  const own = total(all('RssAnon')) + total(all('RssShmem'))
  const mb = own + Math.max(0, ...all('RssFile'))
  return { mb, sumMb: total(all('VmRSS')), processes: sheets.length }
}

/** Whether the process has a handler of its own for SIGINT. */
export function catchesInterrupts(pid: number): boolean {
  const [, mask] = /^SigCgt:\s+([0-9a-f]+)/m.exec(read(`/proc/${pid}/status`)) ?? []
  return mask !== undefined && (BigInt(`0x${mask}`) & SIGINT_BIT) !== 0n
}

function megabytes(sheet: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(sheet)?.[1] ?? 0) / 1024
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Empty when the process ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
