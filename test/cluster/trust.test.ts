/** Beyond loopback: in a network of its own, where the master has an address that is not loopback. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processesIn } from '../support/ground.ts'
import { FAR_ADDRESS, Network } from '../support/network.ts'
import { Program, ROOT } from '../support/program.ts'
import { hasRoot } from '../support/root.ts'
import { until } from '../support/until.ts'

const PORT = 18_080
const PROXY_PORT = 8_080
const PLAIN = `http://${FAR_ADDRESS}:${PORT}`
const SECURE = `https://${FAR_ADDRESS}:${PORT}`
const dir = mkdtempSync(join(tmpdir(), 'orchestrify-trust-'))
const data = join(dir, 'master')
const programs: Program[] = []
let network: Network

function start(name: 'master' | 'worker' | 'proxy', argv: readonly string[]): Program {
  const own = name === 'worker' ? ['--driver', 'process'] : []
  const program = new Program(name, [...argv, ...own], { prefix: network.prefix, cwd: dir })
  programs.push(program)
  return program
}

function curl(...argv: string[]): string {
  return network.run(['curl', '--silent', '--max-time', '5', ...argv]).output
}

async function cli(...argv: string[]): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const program = new Program('master', argv, { prefix: network.prefix, cwd: dir })
  const code = await program.ended()
  return { code, output: program.output }
}

async function token(...argv: string[]): Promise<string> {
  return (await cli('token', '--data', data, '--host', FAR_ADDRESS, ...argv)).output.trim()
}

describe.runIf(hasRoot('trust beyond this machine'))('beyond loopback', () => {
  beforeAll(async () => {
    network = await Network.create()
    start('master', [
      '--host',
      '0.0.0.0',
      '--port',
      String(PORT),
      '--data',
      data,
      '--busy-cpu',
      '100',
    ])
    await until(() => curl(`http://127.0.0.1:${PORT}/v1/health`).includes('"ok"'))
  })
  afterAll(async () => {
    for (const program of programs.toReversed()) await program.end('SIGKILL')
    for (const pid of processesIn(dir)) process.kill(pid, 'SIGKILL')
    await network.close()
    rmSync(dir, { recursive: true, force: true })
  })

  test('plain HTTP from elsewhere gets 426 and the name of the command, never a token', async () => {
    const answer = curl('--include', `${PLAIN}/v1/nodes`)
    expect(answer).toContain('426')
    expect(answer).toContain('orchestrify token')
    expect(answer).not.toContain('orc1.')
  })

  test('a client keeps its token from plain HTTP beyond loopback, also with --insecure', () => {
    const script = `
    import { createServer } from 'node:http'
    import { z } from 'zod'
    import { createControlClient } from '${join(ROOT, 'dist/shared/control-client.js')}'
    const server = createServer((request, response) => {
      console.log('seen', request.headers.authorization)
      response.setHeader('content-type', 'application/json')
      response.end('{}')
    })
    await new Promise((resolve) => server.listen(9_000, '0.0.0.0', resolve))
    for (const host of ['127.0.0.1', '${FAR_ADDRESS}']) {
      const masters = ['http://' + host + ':9000']
      const token = 'orc1.' + 'A'.repeat(43) + '.j.' + 'B'.repeat(43)
      const client = createControlClient({ masters, token, insecure: true })
      await client.call({ method: 'GET', path: '/', schema: z.any() })
      client.close()
    }
    process.exit(0)`
    const argv = [process.execPath, '--input-type=module', '--eval', script]
    const { output } = network.run(argv)
    const seen = output.split('\n').filter((line) => line.startsWith('seen'))
    expect(seen).toEqual([expect.stringContaining('Bearer orc1.'), 'seen undefined'])
  })

  test('TLS without a credential gets 401', () => {
    expect(curl('--insecure', '--include', `${SECURE}/v1/nodes`)).toContain('401')
  })

  test('a worker that is given plain HTTP beyond loopback ends with the remedy', async () => {
    const worker = start('worker', [
      '--master-ip',
      PLAIN,
      '--data',
      join(dir, 'plain'),
      '--port',
      '0',
    ])
    expect(await worker.ended()).toBe(1)
    expect(worker.output.trim().split('\n')).toHaveLength(1)
    expect(worker.output).toContain('orchestrify token')
  })

  test('the token of another cluster is refused before it is sent', async () => {
    const other = join(dir, 'other')
    const stranger = start('master', ['--port', '18099', '--data', other])
    await until(() => stranger.output.includes('master started'))
    const line = (await cli('token', '--data', other, '--host', FAR_ADDRESS)).output.trim()
    const wrong = line.split('--token ')[1] ?? ''
    const flags = [
      '--master-ip',
      SECURE,
      '--token',
      wrong,
      '--data',
      join(dir, 'wrong'),
      '--port',
      '0',
    ]
    const worker = start('worker', flags)
    expect(await worker.ended()).toBe(1)
    expect(worker.output.trim()).not.toBe('')
  })

  test('the join line is enough: worker and proxy join over TLS and serve', async () => {
    const line = await token()
    expect(line).toMatch(
      /^orchestrify worker --master-ip https:\/\/10\.99\.0\.1:18080 --token orc1\./,
    )
    const [, , ...joining] = line.split(' ')
    const worker = [
      '--worker-name',
      'w1',
      '--data',
      join(dir, 'w1'),
      '--port',
      '0',
      '--on-exit',
      'stop',
    ]
    start('worker', [...joining, ...worker])
    const [, , ...asProxy] = (await token('--proxy')).split(' ')
    const ports = ['--port', String(PROXY_PORT), '--admin-port', '8081']
    start('proxy', [...asProxy, ...ports, '--data', join(dir, 'proxy')])
    const admin = ['--master', SECURE, '--token', await token('--admin')]
    const command = [process.execPath, join(ROOT, 'test/support/service.mjs')]
    await until(async () => (await cli('nodes', ...admin)).output.includes('ready'))
    const ran = await cli('run', 'web', ...admin, '--health', '/health', '--', ...command)
    expect([ran.code, ran.output]).toEqual([0, expect.stringContaining('web')])
    const procs = await cli('procs', ...admin, '--json')
    expect(JSON.parse(procs.output).replicas[0].url).toContain(`http://${FAR_ADDRESS}:`)
    await until(() => curl(`http://127.0.0.1:${PROXY_PORT}/s/web/hello`).includes('/hello'))
  })

  test('a credential outlives its worker: it comes back without a token, under the same id', async () => {
    const before = JSON.parse(curl(`http://127.0.0.1:${PORT}/v1/nodes`)).nodes[0]
    const worker = programs.find(({ output }) => output.includes('joined the cluster'))
    await worker?.end('SIGKILL')
    const data = join(dir, 'w1')
    const flags = ['--master-ip', SECURE, '--worker-name', 'w1', '--data', data, '--port', '0']
    start('worker', [...flags, '--on-exit', 'stop'])
    const after = await until(() => {
      const [node] = JSON.parse(curl(`http://127.0.0.1:${PORT}/v1/nodes`)).nodes
      return node.seenAt > before.seenAt && node.condition === 'ready' ? node : undefined
    })
    expect(after.id).toBe(before.id)
  })

  test('a worker that left joins again with the token, as a new node', async () => {
    const nodes = () => JSON.parse(curl(`http://127.0.0.1:${PORT}/v1/nodes`)).nodes
    const [before] = nodes()
    // The one before it was killed; what the new one prints may come later than its report.
    const worker = await until(() =>
      programs.find((one) => one.isRunning && one.output.includes('joined the cluster')),
    )
    const left = worker.end('SIGTERM')
    expect(
      (await cli('rm', 'web', '--master', SECURE, '--token', await token('--admin'))).code,
    ).toBe(0)
    expect(await left).toBe(0)
    expect(nodes()).toEqual([])
    const [, , ...joining] = (await token()).split(' ')
    start('worker', [...joining, '--worker-name', 'w1', '--data', join(dir, 'w1'), '--port', '0'])
    const after = await until(() => nodes()[0])
    expect(after.id).not.toBe(before.id)
  })

  test('the command line beyond loopback needs the token', async () => {
    const { code, output } = await cli('nodes', '--master', SECURE)
    expect(code).toBe(1)
    expect(output.trim().split('\n').length).toBeLessThanOrEqual(2)
  })

  test('up --host opens a master to other hosts, and its replicas to their proxies', async () => {
    const data = join(dir, 'up')
    const ports = ['--port', '18070', '--proxy-port', '8070']
    const upped = await cli('up', '--host', FAR_ADDRESS, '--data', data, '--detach', ...ports)
    expect([upped.code, upped.output]).toEqual([0, expect.stringContaining('18070')])
    try {
      expect(curl(`http://127.0.0.1:18070/v1/nodes`)).toContain(`"address":"${FAR_ADDRESS}"`)
      expect(curl('--include', `http://${FAR_ADDRESS}:18070/v1/nodes`)).toContain('426')
      expect(curl('--insecure', '--include', `https://${FAR_ADDRESS}:18070/v1/nodes`)).toContain(
        '401',
      )
      const line = (await cli('token', '--data', data)).output
      expect(line).toContain(`--master-ip https://${FAR_ADDRESS}:18070 --token orc1.`)
    } finally {
      expect((await cli('down', '--data', data)).code).toBe(0)
    }
  })

  test('up --host of an address that is not of this machine ends with one sentence', async () => {
    const data = join(dir, 'nowhere')
    const { code, output } = await cli(
      'up',
      '--host',
      '10.99.0.99',
      '--data',
      data,
      '--port',
      '18071',
    )
    expect(code).toBe(1)
    expect(output).toContain('on 10.99.0.99, port 18071: the address is not one of this machine')
    expect(output.trim().split('\n').length).toBeLessThanOrEqual(2)
  })

  test('with --insecure on both sides plain HTTP works, and not with one side alone', async () => {
    const open = ['--host', '0.0.0.0', '--port', '18090', '--data', join(dir, 'open'), '--insecure']
    const master = start('master', open)
    await until(() => master.output.includes('master started'))
    const url = `http://${FAR_ADDRESS}:18090`
    const worker = ['--master-ip', url, '--worker-name', 'w2', '--port', '0']
    const careful = start('worker', [...worker, '--data', join(dir, 'w2')])
    expect(await careful.ended()).toBe(1)
    start('worker', [...worker, '--data', join(dir, 'w2'), '--insecure'])
    await until(() => curl(`${url}/v1/nodes`).includes('"ready"'))
  })
})
