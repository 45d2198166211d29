/**
 * A service that grows slow under load: a few workers each hold one request for the delay, and the
 * others wait in line. `PORT`, `HOST`, `SLOTS` (4), `DELAY_MS` (20), `DELAY_FILE`.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { systemClock } from '../shared/clock.ts'

const WAITING_MAX = 10_000
const DELAY_MAX_MS = 60_000
const environment = process.env
const slots = numberOr(environment.SLOTS, 4, 1_000)
const replica = environment.ORCHESTRIFY_REPLICA ?? `process ${process.pid}`
let delayMs = numberOr(environment.DELAY_MS, 20, DELAY_MAX_MS)
let busy = 0
let isEnding = false
const waiting: (() => void)[] = []

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://sample')
  if (pathname === '/health') return answer(response, 200, { status: 'ok' })
  if (pathname === '/set') return set(response, searchParams.get('delayMs'))
  void work(request, response)
})
server.keepAliveTimeout = 65_000
server.listen(numberOr(environment.PORT, 3_000, 65_535), environment.HOST ?? '127.0.0.1')
server.on('error', (error) => {
  console.error(`Cannot serve: ${error.message}`)
  process.exit(1)
})
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    isEnding = true
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
}

async function work(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume()
  if (waiting.length >= WAITING_MAX) return answer(response, 503, { error: 'too many wait' })
  const hold = toldMs()
  await entered()
  await systemClock.sleep(hold)
  left()
  answer(response, 200, { replica, delayMs: hold, waiting: waiting.length })
}

function entered(): Promise<void> | undefined {
  if (busy < slots) {
    busy += 1
    return undefined
  }
  return new Promise((resolve) => waiting.push(resolve))
}

/** The slot goes to the next in line, without being free in between. */
function left(): void {
  const next = waiting.shift()
  if (next === undefined) busy -= 1
  else next()
}

function set(response: ServerResponse, text: string | null): void {
  const value = Number(text)
  const isDelay = text !== null && text !== '' && value >= 0 && value <= DELAY_MAX_MS
  if (isDelay) delayMs = value
  answer(response, isDelay ? 200 : 400, { replica, delayMs })
}

/** A file tells the delay of all replicas at once; each request looks. */
function toldMs(): number {
  const file = environment.DELAY_FILE ?? ''
  if (file === '') return delayMs
  try {
    return numberOr(readFileSync(file, 'utf8').trim(), delayMs, DELAY_MAX_MS)
  } catch {
    // Not written yet: the delay of the start counts.
    return delayMs
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  // A kept connection would keep the process.
  if (isEnding) response.setHeader('connection', 'close')
  response.writeHead(status, { 'content-type': 'application/json', 'x-replica': replica })
  response.end(`${JSON.stringify(body)}\n`)
}

function numberOr(text: string | undefined, fallback: number, max: number): number {
  const value = Number(text)
  return text !== undefined && text !== '' && value >= 0 && value <= max ? value : fallback
}
