/** Where the programs of a cluster run, and how the test reaches them. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { Load } from './load.ts'
import type { RunOptions } from './program.ts'
import { until } from './until.ts'

export interface Ground {
  /** The folder for all data of the cluster. */
  readonly dir: string
  readonly masterFlags: readonly string[]
  /** Of the master and the proxies. */
  readonly masterOptions: RunOptions
  workerOptions(name: string): RunOptions
  /** How a worker of that name finds its master and keeps its data. */
  workerFlags(name: string, master: RunningMaster): Promise<readonly string[]>
  fetch(url: string, init?: Asked): Promise<{ readonly status: number; readonly text: string }>
  load(url: string, perSecond: number): Promise<Load>
  /** Ends what outlived its worker, and removes the folder. */
  clear(): Promise<void>
}

export interface RunningMaster {
  readonly port: number
  /** Asks the master's own command line, on its machine. */
  readonly ask: (...words: readonly string[]) => Promise<string>
}

export interface Asked {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

const DEADLINE_MS = 10_000

/** All on this machine, on loopback, with replicas as processes. */
export function loopback(): Ground {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrify-cluster-'))
  return {
    dir,
    masterFlags: [],
    masterOptions: {},
    workerOptions: () => ({}),
    workerFlags: async (name, { port }) => {
      const where = ['--master-ip', `http://127.0.0.1:${port}`, '--data', join(dir, name)]
      return [...where, '--driver', 'process', '--on-exit', 'stop']
    },
    fetch: async (url, init = {}) => {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) })
      return { status: response.status, text: await response.text() }
    },
    load: async (url, perSecond) => new Load(url, perSecond),
    clear: async () => {
      for (const pid of processesIn(dir)) tryKill(pid)
      await until(() => processesIn(dir).length === 0)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Each worker on the lab's host of its name, over TLS, with replicas as containers. */
export function onHosts(lab: Lab): Ground {
  const { address, prefix } = lab.master
  let token: string | undefined
  return {
    dir: lab.dir,
    masterFlags: ['--host', `127.0.0.1,${address}`],
    masterOptions: { prefix },
    workerOptions: (name) => ({ prefix: lab.host(name).prefix }),
    workerFlags: async (name, { port, ask }) => {
      // Asked once: a worker that is started again must not have to wait for it.
      token ??= (await ask('token', '--host', address)).match(/--token (\S+)/)?.[1] ?? ''
      const where = ['--master-ip', `https://${address}:${port}`, '--token', token]
      return [...where, '--data', join(lab.host(name).dir, 'worker')]
    },
    fetch: (url, init = {}) => lab.fetch(url, init),
    load: (url, perSecond) => lab.load(url, perSecond),
    clear: () => lab.stop(),
  }
}

/** Processes whose working directory lies in a folder: every replica of the process driver. */
export function processesIn(dir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workingDirectory(pid).startsWith(`${dir}/`))
    .map(Number)
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended in between.
  }
}
