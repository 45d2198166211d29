/** What the proxies are asked in a closed loop, and with what: wrk, h2load, or WebSocket messages. */
import { join } from 'node:path'
import { ROOT } from '../../support/program.ts'
import type { Contender } from '../peers/contenders.ts'
import type { Stand } from '../peers/stand.ts'

export interface Count {
  readonly done: number
  /** Answers that were wrong, connections that broke. */
  readonly bad: number
  readonly p50Ms?: number
}

/** Loads one proxy for so long and counts. */
export type Loading = (to: Contender, ms: number) => Promise<Count>

export interface Workload {
  readonly name: string
  readonly load: Loading
}

/** The processor of the load and of the backend; the proxies have the other one. */
export const LOAD_CPU = 1

const POST = join(ROOT, 'test/bench/peers/post10k.lua')
const TIMEOUT_MS = 60_000

/** With `Host`, a head of some 280 bytes: what a small client sends. */
const HEADERS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench/1.0',
  'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br',
  'Cookie: session=0123456789abcdef0123456789abcdef',
]

/** A head of 1 KB: what a browser sends. */
const LONG_HEADERS = [
  ...HEADERS.slice(0, -1),
  'Connection: keep-alive',
  `Cookie: ${'a=b; '.repeat(120)}`,
  'Sec-Fetch-Mode: navigate',
  `Referer: https://example.com/x/y/z?${'q'.repeat(100)}`,
]

export interface WrkOptions {
  readonly path: string
  readonly scheme?: 'http' | 'https'
  readonly connections?: number
  readonly headers?: readonly string[]
  readonly script?: string
}

export function wrkWorkloads(stand: Stand): readonly Workload[] {
  return [
    { name: 'get100', load: wrk(stand, { path: '/100' }) },
    { name: 'get10k', load: wrk(stand, { path: '/10k' }) },
    { name: 'post10k', load: wrk(stand, { path: '/100', script: POST }) },
    { name: 'chunked10k', load: wrk(stand, { path: '/c10k' }) },
    { name: 'head1k', load: wrk(stand, { path: '/100', headers: LONG_HEADERS }) },
    { name: 'get1m', load: wrk(stand, { path: '/1m', connections: 16 }) },
    { name: 'tls10k', load: wrk(stand, { path: '/10k', scheme: 'https' }) },
  ]
}

export function wrk(stand: Stand, options: WrkOptions): Loading {
  const { path, scheme = 'http', connections = 64, headers = HEADERS, script } = options
  const asked = headers.flatMap((header) => ['-H', header])
  const scripted = script === undefined ? [] : ['-s', script]
  return async ({ port }, ms) => {
    const url = `${scheme}://127.0.0.1:${port}${path}`
    const length = ['-t1', `-c${connections}`, '-d60s', '--timeout', '5s', '--latency']
    const argv = ['wrk', ...length, ...asked, ...scripted, url]
    // It knows whole seconds only, yet ends and tells when it is interrupted.
    const limits = { interruptAfterMs: ms, timeoutMs: TIMEOUT_MS }
    return wrkCount(await stand.run(argv, { cpu: LOAD_CPU, ...limits }))
  }
}

export function wrkCount(output: string): Count {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0)
  const [, connect = 0, read = 0, write = 0, timeout = 0] = (
    /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? []
  ).map(Number)
  const wrong = number(/Non-2xx or 3xx responses: (\d+)/)
  const [, amount, unit] = /^\s+50%\s+([\d.]+)(us|ms|s)/m.exec(output) ?? []
  const scale = { us: 1e-3, ms: 1, s: 1e3 }[unit ?? '']
  return {
    done: number(/(\d+) requests in/),
    bad: wrong + connect + read + write + timeout,
    ...(scale === undefined ? {} : { p50Ms: Number(amount) * scale }),
  }
}

export function h2Workload(stand: Stand): Workload {
  const load: Loading = async ({ port }, ms) => {
    const argv = ['h2load', '-D', `${Math.round(ms)}ms`, '-c', '16', '-m', '4']
    const url = `https://127.0.0.1:${port}/10k`
    return h2loadCount(await stand.run([...argv, url], { cpu: LOAD_CPU, timeoutMs: TIMEOUT_MS }))
  }
  return { name: 'h2_10k', load }
}

export function h2loadCount(output: string): Count {
  const said = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)
  const [, done = 0, failed = 0, errored = 0] = (said ?? []).map(Number)
  // A failed request is counted as errored, too.
  return { done, bad: Math.max(failed, errored) }
}

/** Messages of 100 bytes, each sent back. */
export function webSocketWorkload(stand: Stand, program: string): Workload {
  const load: Loading = async ({ port }, ms) => {
    const argv = [program, String(port), String(ms / 1000), '64', '100']
    const said = await stand.run(argv, { cpu: LOAD_CPU, timeoutMs: TIMEOUT_MS })
    const { done, failed } = JSON.parse(said)
    return { done, bad: failed }
  }
  return { name: 'ws_echo', load }
}
