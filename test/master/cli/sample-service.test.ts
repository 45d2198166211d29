import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { freePort, ROOT } from '../../support/program.ts'
import { until } from '../../support/until.ts'

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

interface Sample {
  readonly child: ChildProcess
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>
}

async function sampleWith(environment: Record<string, string>): Promise<Sample> {
  const port = await freePort()
  const file = join(ROOT, 'dist/examples/sample-service.js')
  const env = { PATH: process.env.PATH, PORT: String(port), ...environment }
  const child = spawn(process.execPath, [file], { env, stdio: 'inherit' })
  running.push(child)
  const get = async (path: string) => {
    const signal = AbortSignal.timeout(10_000)
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  await until(() => get('/health'))
  return { child, get }
}

test('sample service makes the requests beyond its slots wait', async () => {
  const { get } = await sampleWith({ SLOTS: '1', DELAY_MS: '50' })
  const answers = await Promise.all([get('/'), get('/'), get('/')])
  const waited = answers.map(({ body }) => Number(body.waiting))
  expect(Math.max(...waited)).toBeGreaterThan(0)
  expect(answers.every(({ status }) => status === 200)).toBe(true)
})

test('sample service takes another delay at run time, and no wrong one', async () => {
  const { get } = await sampleWith({ DELAY_MS: '1' })
  expect((await get('/set?delayMs=3')).status).toBe(200)
  for (const wrong of ['', '?delayMs=', '?delayMs=x', '?delayMs=-1', '?delayMs=1e9']) {
    expect((await get(`/set${wrong}`)).status).toBe(400)
  }
  expect((await get('/')).body.delayMs).toBe(3)
})

test('sample service reads DELAY_FILE at each request', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrify-sample-'))
  const file = join(dir, 'delay')
  const { get } = await sampleWith({ DELAY_MS: '1', DELAY_FILE: file })
  expect((await get('/')).body.delayMs).toBe(1)
  writeFileSync(file, '7\n')
  expect((await get('/')).body.delayMs).toBe(7)
  rmSync(dir, { recursive: true })
})

test('sample service finishes what it has begun when it is told to end', async () => {
  const { child, get } = await sampleWith({ DELAY_MS: '300' })
  const answer = get('/')
  await get('/health')
  child.kill('SIGTERM')
  expect((await answer).status).toBe(200)
  await until(() => child.exitCode === 0)
})
