/** What no user should be able to break: each gets a clear error, and every program goes on. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ErrorBody } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { Program, run } from '../support/program.ts'
import { hasRoot } from '../support/root.ts'
import { until } from '../support/until.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { autoscale: false })
  await cluster.serves('web', 1)
})
afterAll(() => cluster?.stop())

function cli(...argv: string[]): Promise<{ code: number | NodeJS.Signals; output: string }> {
  return run('master', [...argv, '--master', cluster.masterUrl])
}

async function post(
  text: string,
  type = 'application/json',
): Promise<{ status: number; body: ErrorBody }> {
  const headers = { 'content-type': type }
  const url = `${cluster.masterUrl}/v1/services`
  const response = await fetch(url, { method: 'POST', body: text, headers })
  return { status: response.status, body: (await response.json()) as ErrorBody }
}

const command = ['true']
const bodies: readonly { why: string; text: string; status: number; code: string }[] = [
  { why: 'malformed JSON', text: '{"name":', status: 400, code: 'MALFORMED_JSON' },
  { why: 'no object', text: '[]', status: 422, code: 'VALIDATION_ERROR' },
  ...[
    { why: 'an unknown field', body: { name: 'a', command, nmae: 'b' } },
    { why: 'a wrong type', body: { name: 7, command } },
    { why: 'a negative count', body: { name: 'a', command, min: -1 } },
    { why: 'a fraction of a replica', body: { name: 'a', command, min: 1.5 } },
    { why: 'no command and no image', body: { name: 'a' } },
    { why: 'a name with a quote', body: { name: "a'b", command } },
    { why: 'a name with ;', body: { name: 'a;b', command } },
    { why: 'a name with $()', body: { name: '$(id)', command } },
    { why: 'a name with a line break', body: { name: 'a\r\nb', command } },
    { why: 'a name with ..', body: { name: '../../x', command } },
    { why: 'an image with ;', body: { name: 'a', image: 'a;rm -rf /', command } },
    { why: 'an objective of nothing', body: { name: 'a', command, objective: 'fast' } },
    { why: 'an objective of NaN', body: { name: 'a', command, objective: 'p95 < NaNms' } },
    { why: 'a port out of range', body: { name: 'a', command, hostPort: 70_000 } },
    { why: 'an environment key with =', body: { name: 'a', command, environment: { 'A=B': 'c' } } },
  ].map(({ why, body }) => ({
    why,
    text: JSON.stringify(body),
    status: 422,
    code: 'VALIDATION_ERROR',
  })),
  {
    why: 'the number NaN',
    text: '{"name":"a","command":["true"],"min":NaN}',
    status: 400,
    code: 'MALFORMED_JSON',
  },
  {
    why: '1e999 replicas',
    text: '{"name":"a","command":["true"],"min":1e999}',
    status: 422,
    code: 'VALIDATION_ERROR',
  },
]
test.each(bodies)('the API answers $status $code to $why', async ({ text, status, code }) => {
  const answer = await post(text)
  expect([answer.status, answer.body.error.code]).toEqual([status, code])
  expect(answer.body.error.message).not.toBe('')
})

test('the API refuses __proto__ anywhere, a second service of a name, and other content types', async () => {
  const polluted = await post(
    '{"name":"a","command":["true"],"environment":{"__proto__":{"x":"y"}}}',
  )
  expect(polluted.status).toBeGreaterThanOrEqual(400)
  expect(polluted.status).toBeLessThan(500)
  expect((await post('{"name":"web","command":["true"]}')).status).toBe(409)
  expect((await post('{"name":"a","command":["true"]}', 'text/plain')).status).toBe(415)
})

test('text that a shell would run is stored as it is, and nothing is executed (R5)', async () => {
  const trap = join(cluster.dir, 'trap')
  const value = `$(touch ${trap}) \`touch ${trap}\`; touch ${trap} ' " && touch ${trap}`
  await cluster.run('shelly', { autoscale: false, environment: { TRAP: value } })
  await cluster.serves('shelly', 1)
  expect((await cluster.service('shelly')).spec.environment).toEqual({ TRAP: value })
  expect(existsSync(trap)).toBe(false)
})

const calls: readonly { why: string; argv: readonly string[]; code: number; says: string }[] = [
  { why: 'an unknown node', argv: ['node', 'nope'], code: 1, says: 'nope' },
  { why: 'an unknown replica', argv: ['proc', 'deadbeef'], code: 1, says: 'deadbeef' },
  { why: 'an unknown service', argv: ['why', 'nope'], code: 1, says: 'nope' },
  { why: 'an unknown replica to delete', argv: ['--proc-del', 'nope'], code: 1, says: 'nope' },
  { why: 'a count that is no number', argv: ['scale', 'web', 'many'], code: 2, says: 'many' },
  { why: 'a count out of bounds', argv: ['scale', 'web', '99'], code: 1, says: '99' },
  {
    why: 'a bad port mapping',
    argv: ['--image-name', 'x', '--name', 'a', '--port', 'a:b'],
    code: 2,
    says: 'a:b',
  },
]
test.each(calls)(
  'the command line ends with one sentence for $why',
  async ({ argv, code, says }) => {
    const ended = await cli(...argv)
    expect(ended.code).toBe(code)
    expect(ended.output).toContain(says)
    expect(ended.output).not.toMatch(/\n\s+at /)
    expect(ended.output.trim().split('\n').length).toBeLessThanOrEqual(3)
  },
)

test('the command line says when no master answers', async () => {
  const { code, output } = await run('master', ['nodes', '--master', 'http://127.0.0.1:9'])
  expect(code).toBe(1)
  expect(output).toContain('Cannot reach the master')
})

test.each(['master', 'proxy'] as const)(
  'a second %s on a port in use ends with one sentence',
  async (name) => {
    const taken =
      name === 'master' ? cluster.masterPort : Number(new URL(cluster.proxies[0]?.url ?? '').port)
    const own = ['--port', String(taken), '--data', join(cluster.dir, `second-${name}`)]
    const more = name === 'master' ? [] : ['--master-ip', cluster.masterUrl, '--admin-port', '0']
    const { code, output } = await run(name, [...own, ...more])
    expect(code).toBe(1)
    expect(output).toContain(String(taken))
    expect(
      output
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('{')),
    ).toHaveLength(1)
  },
)

test('a second master on the same directory ends with one sentence', async () => {
  const { code, output } = await run('master', [
    '--port',
    '0',
    '--data',
    join(cluster.dir, 'master'),
  ])
  expect(code).toBe(1)
  expect(output).toContain('uses it')
})

test('no program has died of any of it', async () => {
  expect(cluster.master?.isRunning).toBe(true)
  expect(cluster.proxies[0]?.program.isRunning).toBe(true)
  expect([...cluster.workers.values()].every((worker) => worker.isRunning)).toBe(true)
  expect((await fetch(cluster.at('web'))).status).toBe(200)
})

test.runIf(hasRoot('the full disk of a master'))(
  'a full disk: writes are refused, reads and traffic go on, and writes work again when there is room',
  async () => {
    const mount = mkdtempSync(join(tmpdir(), 'orchestrify-full-'))
    const size = 'size=4m,mode=700'
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', mount]).status).toBe(0)
    const port = 0
    const data = join(mount, 'data')
    mkdirSync(data)
    const master = new Program('master', ['--port', String(port), '--data', data])
    try {
      const started = await until(() =>
        /"message":"master started".*"port":(\d+)/.exec(master.output),
      )
      const url = `http://127.0.0.1:${started[1]}/v1/services`
      const create = async (name: string): Promise<number> => {
        const body = JSON.stringify({ name, command, environment: { FILLER: 'x'.repeat(30_000) } })
        const headers = { 'content-type': 'application/json' }
        return (await fetch(url, { method: 'POST', body, headers })).status
      }
      spawnSync('dd', ['if=/dev/zero', `of=${join(mount, 'filler')}`, 'bs=64k'])
      const refused = await until(async () => {
        const status = await create(`s${Math.random().toString(36).slice(2, 8)}`)
        return status >= 500 ? status : undefined
      })
      expect(refused).toBe(507)
      expect((await fetch(url)).status).toBe(200)
      expect(master.isRunning).toBe(true)
      rmSync(join(mount, 'filler'))
      await until(async () => (await create('again')) === 201)
    } finally {
      await master.end('SIGKILL')
      spawnSync('umount', [mount])
      rmSync(mount, { recursive: true, force: true })
    }
  },
)
