/** The proxies that are compared: ours with its defaults, and the peers with their files here. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort, ROOT } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { lastWords, type Running, type Stand } from './stand.ts'

export interface Contender extends Running {
  readonly name: string
  readonly port: number
}

export interface Site {
  /** The ports of the replicas behind it. */
  readonly upstreams: readonly number[]
  readonly cpu?: number
  /** A folder with `certificate.pem` and `key.pem`. */
  readonly certificates?: string
}

export type PeerName = keyof typeof PEERS

/** In the files, the ports of proxies are 19101 to 19103, those of replicas count from 19001. */
const PEERS = {
  nginx: { file: 'nginx1.conf', run: nginx },
  'nginx-tls': { file: 'nginx-tls.conf', run: nginx },
  'nginx-ws': { file: 'nginx-ws.conf', run: nginx },
  'nginx-least_conn': { file: 'nginx-balance.conf', run: nginx },
  haproxy: { file: 'haproxy1.cfg', run: haproxy },
  'haproxy-leastconn': { file: 'haproxy-leastconn.cfg', run: haproxy },
  'haproxy-random2': { file: 'haproxy-random.cfg', run: haproxy },
  'haproxy-maxconn': { file: 'haproxy-maxconn.cfg', run: haproxy },
  caddy: { file: 'Caddyfile', run: caddy },
  'caddy-least_conn': { file: 'Caddyfile-balance', run: caddy },
  'http-proxy': { file: 'http-proxy.cjs', run: httpProxy },
} as const

const FIRST_UPSTREAM = 19_001
const LISTENERS = [19_101, 19_102, 19_103]
const START_TIMEOUT_MS = 15_000

export async function startPeer(stand: Stand, name: PeerName, site: Site): Promise<Contender> {
  const port = await freePort()
  const { argv, env } = preparePeer(stand, name, site, port)
  const running = stand.start(argv, { cpu: site.cpu, env })
  await listening(running, name, port)
  return contender(running, name, port)
}

export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Writes its file, with this site's ports and paths, and says how it is run. */
export function preparePeer(stand: Stand, name: PeerName, site: Site, port: number): Command {
  const { file, run } = PEERS[name]
  const folder = stand.folder(name)
  if (site.certificates !== undefined) {
    for (const pem of ['certificate.pem', 'key.pem']) {
      copyFileSync(join(site.certificates, pem), join(folder, pem))
    }
  }
  const template = readFileSync(join(ROOT, 'test/bench/peers', file), 'utf8')
  const text = filledIn(template, site.upstreams, port).replaceAll('./run/', `${folder}/`)
  const path = join(folder, file)
  writeFileSync(path, text)
  return run(path, folder, port)
}

export function filledIn(template: string, upstreams: readonly number[], port: number): string {
  return template.replace(/127\.0\.0\.1:(19\d{3})/g, (_, shown) => {
    const number = Number(shown)
    const chosen = LISTENERS.includes(number) ? port : upstreams[number - FIRST_UPSTREAM]
    if (chosen === undefined) throw new Error(`Cannot fill in port ${shown}: no replica has it`)
    return `127.0.0.1:${chosen}`
  })
}

/** Whether the npm package is there that this peer is made of. */
export function hasHttpProxy(): boolean {
  return nodePaths().some((path) => existsSync(join(path, 'http-proxy')))
}

export async function listening(running: Running, name: string, port: number): Promise<void> {
  const ready = async (): Promise<boolean> => {
    if (!running.isRunning) return true
    return answers(port)
  }
  await until(ready, { timeoutMs: START_TIMEOUT_MS, everyMs: 20 })
  if (!running.isRunning) throw new Error(`Cannot start ${name}: ${lastWords(running.output)}`)
}

export function contender(running: Running, name: string, port: number): Contender {
  return {
    name,
    port,
    pid: running.pid,
    get isRunning() {
      return running.isRunning
    },
    get output() {
      return running.output
    },
  }
}

function nginx(path: string, folder: string): Command {
  return { argv: ['nginx', '-p', folder, '-c', path], env: {} }
}

function haproxy(path: string): Command {
  return { argv: ['haproxy', '-db', '-f', path], env: {} }
}

function caddy(path: string): Command {
  const argv = ['caddy', 'run', '--adapter', 'caddyfile', '--config', path]
  return { argv, env: { GOMAXPROCS: '1' } }
}

function httpProxy(path: string, _folder: string, port: number): Command {
  const env = { PORT: String(port), NODE_PATH: nodePaths().join(':') }
  return { argv: [process.execPath, path], env }
}

function nodePaths(): readonly string[] {
  const given = process.env.NODE_PATH?.split(':').filter(Boolean) ?? []
  return [join(ROOT, 'node_modules'), ...given]
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const tell = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => tell(true))
    socket.once('error', () => tell(false))
  })
}
