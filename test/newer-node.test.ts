/** The built programs on a Node newer than the one they are developed with. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { sentenceOf } from '../shared/errors.ts'
import { processesIn } from './support/ground.ts'
import { freePort, Program, ROOT, run } from './support/program.ts'
import { until } from './support/until.ts'

const folder = join(ROOT, 'node_modules/.cache/newer-node/node_modules')
const node = join(folder, `node-linux-${process.arch}/bin/node`)

/** Where it could not be installed the test says so; a continuous integration must have it. */
function need({ skip }: Pick<TestContext, 'skip'>): void {
  if (existsSync(node) || process.env.CI === 'true') return
  skip('there is no newer Node here: `node test/setup/setup.mjs` installs it')
}

test.for(['master', 'worker', 'proxy'] as const)(
  '%s --help answers on a newer Node, without a warning',
  async (name, context) => {
    need(context)
    const { code, output } = await run(name, ['--help'], { node })
    expect(output).toContain('orchestrify')
    expect(output).not.toContain('Warning')
    expect(code).toBe(0)
  },
)

test('a cluster starts, serves, forgets nothing and stops on a newer Node', {
  timeout: 180_000,
}, async (context) => {
  need(context)
  const dir = mkdtempSync(join(tmpdir(), 'orchestrify-newer-'))
  const programs: Program[] = []
  const start = (name: 'master' | 'worker' | 'proxy', flags: readonly string[]): Program => {
    const program = new Program(name, [...flags, '--data', join(dir, name)], { node })
    programs.push(program)
    return program
  }
  try {
    const [port, traffic, admin] = [await freePort(), await freePort(), await freePort()]
    const api = `http://127.0.0.1:${port}`
    // A machine that is busy with other tests would get nothing to run.
    const masterFlags = ['--port', `${port}`, '--busy-cpu', '100', '--busy-memory', '100']
    const master = start('master', masterFlags)
    await until(() => answers(`${api}/v1/health`))
    const how = ['--driver', 'process', '--on-exit', 'stop', '--port', '0']
    start('worker', ['--master-ip', api, '--worker-name', 'w1', ...how])
    const ports = ['--port', `${traffic}`, '--admin-port', `${admin}`]
    start('proxy', ['--master-ip', api, ...ports])
    await until(() => answers(`http://127.0.0.1:${admin}/healthz`))
    await createService(api)
    await until(() => answers(`http://127.0.0.1:${traffic}/s/web/`), { timeoutMs: 60_000 })

    expect(await master.end()).toBe(0)
    start('master', masterFlags)
    await until(() => answers(`${api}/v1/services/web`))
    expect(await answers(`http://127.0.0.1:${traffic}/s/web/`)).toBe(true)
    await call(`${api}/v1/services/web`, 'DELETE')
    await until(async () => !(await answers(`${api}/v1/services/web`)))

    const running = programs.filter(({ isRunning }) => isRunning)
    expect(running).toHaveLength(3)
    for (const program of running.reverse()) expect(await program.end(), program.output).toBe(0)
  } catch (error) {
    const said = programs.map(({ output }) => output).join('\n')
    throw new Error(`${sentenceOf(error)}\n${said}`, { cause: error })
  } finally {
    for (const program of programs) await program.end('SIGKILL')
    for (const pid of processesIn(dir)) process.kill(pid, 'SIGKILL')
    await until(() => processesIn(dir).length === 0)
    rmSync(dir, { recursive: true, force: true })
  }
})

async function createService(api: string): Promise<void> {
  const command = [node, join(ROOT, 'test/support/service.mjs')]
  const health = { http: '/health', interval: '1s' }
  expect(await call(`${api}/v1/services`, 'POST', { name: 'web', command, health })).toBeLessThan(
    300,
  )
}

async function call(url: string, method: string, body?: unknown): Promise<number> {
  const content = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_BODY }
  const response = await fetch(url, { method, signal: AbortSignal.timeout(5_000), ...content })
  await response.arrayBuffer()
  return response.status
}

const JSON_BODY = { 'content-type': 'application/json' }

async function answers(url: string): Promise<boolean> {
  return (await call(url, 'GET')) === 200
}
