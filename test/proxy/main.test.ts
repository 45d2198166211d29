import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Load } from '../support/load.ts'
import { freePort, Program, run } from '../support/program.ts'
import type { Table } from '../support/routing-table.ts'
import { until } from '../support/until.ts'
import { closeAll, get, RawClient, upstream } from './support/rig.ts'

let dir = ''
const programs: Program[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-proxy-'))
})

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.end('SIGKILL')))
  await closeAll()
  rmSync(dir, { recursive: true, force: true })
})

interface Started {
  readonly program: Program
  readonly port: number
  readonly url: string
  readonly adminUrl: string
}

/** Works on so many requests at once; the others wait in their order. */
function inSlots({ slots, takesMs }: { readonly slots: number; readonly takesMs: number }) {
  const waiting: ServerResponse[] = []
  let busy = 0
  const next = (): void => {
    const response = busy < slots ? waiting.shift() : undefined
    if (response === undefined) return
    busy += 1
    setTimeout(() => {
      busy -= 1
      response.end('done')
      next()
    }, takesMs)
  }
  return (_request: IncomingMessage, response: ServerResponse): void => {
    waiting.push(response)
    next()
  }
}

async function startStatic(services: unknown): Promise<Started> {
  const file = join(dir, 'routes.yaml')
  writeFileSync(file, JSON.stringify({ services }))
  const [port, adminPort] = [await freePort(), await freePort()]
  const ports = ['--port', String(port), '--admin-port', String(adminPort)]
  const program = new Program('proxy', ['--routes', file, '--data', dir, ...ports])
  programs.push(program)
  const adminUrl = `http://127.0.0.1:${adminPort}`
  await until(async () => (await fetch(`${adminUrl}/healthz`)).ok)
  return { program, port, url: `http://127.0.0.1:${port}`, adminUrl }
}

test('a proxy serves a fixed table with nothing else running, in fair rotation', async () => {
  const ports = [
    await upstream((_request, response) => response.end('a')),
    await upstream((_request, response) => response.end('b')),
  ]
  const endpoints = ports.map((port) => `127.0.0.1:${port}`)
  const { url, adminUrl } = await startStatic([
    {
      name: 'web',
      endpoints,
      routes: [{ path: '/' }, { path: '/export', slow: true }],
      objective: 'p99 < 50ms',
    },
  ])
  const answers: string[] = []
  for (let round = 0; round < 6; round += 1) {
    answers.push(await (await fetch(`${url}/s/web`)).text())
  }
  expect(answers.join('')).toMatch(/^(ab|ba)\1\1$/)
  const envelope = JSON.stringify({ name: 'web', method: 'GET', path: '/export/year' })
  await (await fetch(`${url}/proxy`, { method: 'POST', body: envelope })).text()
  const { services } = (await (await fetch(`${adminUrl}/routes`)).json()) as {
    services: unknown[]
  }
  expect(services).toMatchObject([
    { name: 'web', objective: { percentile: 99, latencyTargetMs: 50 } },
  ])
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
  expect(metrics).toMatch(/proxy_request_duration_seconds_count\{service="web".*\} 6/)
  expect(metrics).toMatch(/proxy_route_duration_seconds_count\{service="web",route="\/".*\} 6/)
  expect(metrics).toMatch(/proxy_route_duration_seconds_count\{.*route="\/export".*\} 1/)
  expect(metrics).toMatch(/proxy_answers_total\{service="web",status="2xx".*\} 7/)
})

test('a proxy alone learns how many requests at once a replica makes use of', async () => {
  const port = await upstream(inSlots({ slots: 2, takesMs: 30 }))
  const { url, adminUrl } = await startStatic([{ name: 'web', endpoints: [`127.0.0.1:${port}`] }])
  const load = new Load(`${url}/s/web/`, 100)
  const known = until(
    async () => {
      const table = (await (await fetch(`${adminUrl}/routes`)).json()) as Table
      const [permits = 0] = Object.values(table.permits)
      return table.learned.length === 1 && permits <= 6 && permits
    },
    { timeoutMs: 60_000 },
  )
  expect(await known.finally(() => load.stop())).toBeGreaterThanOrEqual(2)
})

test('a proxy that is asked to end finishes what is in flight, and exits with 0', async () => {
  let release: () => void = () => undefined
  let asked = false
  const port = await upstream((_request, response) => {
    asked = true
    release = () => response.end('whole')
  })
  const proxy = await startStatic([{ name: 'web', endpoints: [`127.0.0.1:${port}`] }])
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(() => asked)
  const ended = proxy.program.end('SIGTERM')
  await until(() => proxy.program.output.includes('proxy stopping'))
  release()
  expect(await client.all()).toMatch(/Connection: close[\s\S]*whole/)
  expect(await ended).toBe(0)
})

test('a proxy whose port is in use says so in one sentence and exits with 1', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code, output } = await run('proxy', ['--port', String(port), '--data', dir])
  await new Promise((resolve) => server.close(resolve))
  expect(code).toBe(1)
  expect(output.trim()).toBe(`Cannot listen on 127.0.0.1:${port}: the port is in use`)
})

test.each([
  ['a table that is not there', ['--routes', '/nowhere.yaml'], /Cannot use the routes in/],
  ['an unknown flag', ['--bogus'], /--bogus/],
  ['a port out of range', ['--port', '70000'], /--port/],
])('a proxy with %s says so in one sentence and exits with 1', async (_what, argv, sentence) => {
  const { code, output } = await run('proxy', [...argv, '--data', dir])
  expect(code).toBe(1)
  expect(output.trim()).toMatch(sentence)
  expect(output.trim().split('\n')).toHaveLength(1)
})

test('the log level of a running proxy changes from this machine, and from no web page', async () => {
  const { adminUrl } = await startStatic([])
  const put = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${adminUrl}/log-level`, { method: 'PUT', body, headers })
  expect((await put('debug')).status).toBe(200)
  expect((await put('{"level":"warn"}')).status).toBe(200)
  expect((await put('loud')).status).toBe(422)
  expect((await put('debug', { origin: 'http://evil.test' })).status).toBe(403)
  expect((await fetch(`${adminUrl}/nothing`)).status).toBe(404)
})
