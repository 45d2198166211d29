/** The built proxy of this project as a contender, and what this build of it can do. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, ROOT } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { childrenOf } from '../process-tree.ts'
import { type Contender, contender } from './contenders.ts'
import { lastWords, type Stand } from './stand.ts'

export interface OursOptions {
  readonly name?: string
  readonly cpu?: number
  /** Beside those it always gets. */
  readonly flags?: readonly string[]
}

export interface ServiceRoute {
  readonly name: string
  readonly path: string
  readonly upstreams: readonly number[]
}

const MAIN = join(ROOT, 'dist/proxy/main.js')
const START_TIMEOUT_MS = 20_000

/** Runs alone, on a fixed table. */
export function startOurs(
  stand: Stand,
  services: readonly ServiceRoute[],
  options: OursOptions = {},
): Promise<Contender> {
  const file = join(stand.folder('routes'), 'routes.json')
  const table = services.map(({ name, path, upstreams }) => ({
    name,
    routes: [{ path }],
    endpoints: upstreams.map((port) => `127.0.0.1:${port}`),
  }))
  writeFileSync(file, JSON.stringify({ services: table }))
  return startOursWith(stand, ['--routes', file], options)
}

/** Runs with whatever tells it its table. */
export async function startOursWith(
  stand: Stand,
  source: readonly string[],
  { name = 'ours', cpu, flags = [] }: OursOptions = {},
): Promise<Contender> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const ports = ['--port', String(port), '--admin-port', String(adminPort)]
  const data = ['--data', stand.folder('data')]
  const argv = [process.execPath, MAIN, ...source, ...ports, ...data, ...flags]
  const running = stand.start(argv, { cpu })
  const isReady = async (): Promise<boolean> => {
    if (!running.isRunning) return true
    return (await fetch(`http://127.0.0.1:${adminPort}/healthz`)).ok
  }
  await until(isReady, { timeoutMs: START_TIMEOUT_MS, everyMs: 20 })
  if (!running.isRunning) throw new Error(`Cannot start ${name}: ${lastWords(running.output)}`)
  return contender(running, name, port)
}

/** What this build says of its flags. */
export function oursHelp(stand: Stand): Promise<string> {
  return stand.run([process.execPath, MAIN, '--help'])
}

/** The processes that carry the traffic for the one that was started. */
export function carriersOf({ pid }: Contender): readonly number[] {
  return childrenOf(pid)
}
