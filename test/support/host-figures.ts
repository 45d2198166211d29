/** Lets a host of a lab say that it is loaded as a test wants it. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { output } from './command.ts'
import type { LabHost } from './lab-host.ts'

export interface Figures {
  readonly cpuPercent: number
  readonly memoryPercent: number
}

export interface Pretence {
  say(figures: Figures): void
  stop(): void
}

const WIDTH = 15
const STEP = 100
const EVERY_MS = 100
const MEMORY_KB = 1_000_000

/** Stands before what the kernel says of the whole machine, until the host ends. */
export async function pretend(host: LabHost): Promise<Pretence> {
  let now: Figures = { cpuPercent: 0, memoryPercent: 0 }
  const [busy, idle] = [{ at: 0 }, { at: 0 }]
  const files = ['stat', 'meminfo'].map((name) =>
    openSync(join(host.dir, `pretended-${name}`), 'w'),
  )
  const [stat = -1, memory = -1] = files
  const rest = readFileSync('/proc/stat', 'utf8').replace(/^cpu .*\n/, '')
  // Of one length always and in one piece: nobody reads half of it.
  const write = (): void => {
    busy.at += (STEP * now.cpuPercent) / 100
    idle.at += STEP - (STEP * now.cpuPercent) / 100
    writeSync(stat, `cpu ${padded(busy.at)} 0 0 ${padded(idle.at)} 0 0 0 0 0 0\n${rest}`, 0)
    const free = (MEMORY_KB * (100 - now.memoryPercent)) / 100
    writeSync(memory, `MemTotal: ${padded(MEMORY_KB)} kB\nMemAvailable: ${padded(free)} kB\n`, 0)
  }
  write()
  for (const name of ['stat', 'meminfo']) {
    const mount = ['mount', '--bind', join(host.dir, `pretended-${name}`), `/proc/${name}`]
    await output([...host.prefix, ...mount])
  }
  const timer = setInterval(write, EVERY_MS)
  return {
    say: (figures) => {
      now = figures
      write()
    },
    stop: () => {
      clearInterval(timer)
      for (const file of files) closeSync(file)
    },
  }
}

function padded(value: number): string {
  return String(Math.round(value)).padStart(WIDTH)
}
