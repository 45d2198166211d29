/** Whole workers in this process, against a master in miniature. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readConfig } from '../../../shared/config.ts'
import { type WorkerConfig, workerKnobs } from '../../../worker/config.ts'
import { isErrno } from '../../../worker/drivers/process/errno.ts'
import { listProcesses } from '../../../worker/drivers/process/process-table.ts'
import { runWorker } from '../../../worker/start.ts'
import { assignedReplica, node, SERVER } from './assigned.ts'
import { RecordedLog } from './recorded-log.ts'
import type { TinyMaster } from './tiny-master.ts'

export interface Life {
  readonly log: RecordedLog
  readonly ended: Promise<void>
  leave(): void
}

const TIMELY = ['--restart-backoff', '50ms', '--leave-grace', '10s']

/** One life of a worker; what it left running is ended with the test. */
export function live(master: TinyMaster, data: string, ...flags: readonly string[]): Life {
  const own = ['--master-ip', master.url, '--worker-name', 'w1', '--data', data, '--port', '0']
  const driver = ['--driver', 'process']
  const argv = [...own, ...driver, ...TIMELY, ...flags]
  const config: WorkerConfig = readConfig(workerKnobs, { argv, environment: {} })
  const log = new RecordedLog()
  const leaving = new AbortController()
  const environment = { PATH: process.env.PATH }
  const setLogLevel = (): void => undefined
  const ended = runWorker(config, { log, environment, setLogLevel, leave: leaving.signal })
  ended.catch(() => undefined)
  const leave = (): void => leaving.abort()
  onTestFinished(async () => {
    master.refusals.set('leave', { status: 503, code: 'GONE_HOME' })
    leave()
    await ended.catch(() => undefined)
    for (const pid of await pidsIn(data)) end(pid)
  })
  return { log, ended, leave }
}

/** The processes that the ledgers of this worker name. */
export async function pidsIn(data: string): Promise<readonly number[]> {
  const folder = join(data, 'replicas')
  const replicas = await readdir(folder).catch(() => [])
  const pids = replicas.map(async (replica) => {
    const text = await readFile(join(folder, replica, 'ledger.json'), 'utf8').catch(() => '{}')
    return JSON.parse(text).process?.pid ?? 0
  })
  const running = new Set((await listProcesses()).filter((row) => !row.ended).map(({ pid }) => pid))
  return (await Promise.all(pids)).filter((pid) => pid > 1 && running.has(pid))
}

export function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

const WEB = assignedReplica({ command: node(SERVER) })
export const HTTP = {
  ...WEB,
  health: { ...WEB.health, probe: { kind: 'http' as const, path: '/' } },
}
