import { X509Certificate } from 'node:crypto'
import { Agent, request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort, run } from '../support/program.ts'
import { until } from '../support/until.ts'
import { type ProxyProgram, Stage } from './parent/support/proxy-program.ts'
import { CertificateKit } from './support/certificate-kit.ts'
import { closeAll, get, upstream } from './support/rig.ts'

let stage: Stage
let kit: CertificateKit
const sockets: TLSSocket[] = []

beforeEach(async () => {
  stage = new Stage()
  kit = await CertificateKit.create(stage.dir)
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await stage.clear()
  await closeAll()
})

interface Secure {
  readonly proxy: ProxyProgram
  readonly port: number
}

/** Certificates for one.test and two.test, in this order. */
async function startSecure(flags: readonly string[] = []): Promise<Secure> {
  const web = await upstream((asked, response) => {
    response.end(`${asked.headers['x-forwarded-proto']} ${asked.headers['x-forwarded-host']}`)
  })
  const port = await freePort()
  const files = [
    kit.write('one', await kit.issue('one.test')),
    kit.write('two', await kit.issue('two.test')),
  ].flatMap(({ cert, key }) => ['--tls-cert', cert, '--tls-key', key])
  const routes = ['--routes', stage.routes({ web: [web] })]
  const tls = ['--tls-port', String(port), '--tls-look-every', '50ms', ...files]
  return { proxy: await stage.start([...routes, ...tls, ...flags]), port }
}

function open(port: number, name: string, more: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca: kit.ca, servername: name, ...more }
    const socket = connect(options, () => resolve(socket))
    sockets.push(socket)
    socket.on('error', reject)
  })
}

/** Asks on that connection and answers what came, head and all. */
async function ask(socket: TLSSocket, text = get('/s/web')): Promise<string> {
  let received = ''
  const keep = (bytes: Buffer): void => {
    received += bytes.toString('latin1')
  }
  socket.on('data', keep)
  socket.write(text)
  await until(() => /https? \S+$/.test(received))
  socket.off('data', keep)
  return received
}

const serialOf = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber

test('a proxy serves HTTPS by the name that its client asks for, beside plain HTTP', async () => {
  const { proxy, port } = await startSecure()
  for (const name of ['one.test', 'two.test']) {
    const socket = await open(port, name)
    expect(socket.getPeerCertificate().subject.CN).toBe(name)
    expect(await ask(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*https t$/)
  }
  const unnamed = await open(port, 'other.test', { checkServerIdentity: () => undefined })
  expect(unnamed.getPeerCertificate().subject.CN).toBe('one.test')
  expect(await (await fetch(`${proxy.url}/s/web`)).text()).toMatch(/^http /)
})

test('a proxy speaks no TLS older than 1.2, and outlives those who speak none', async () => {
  const { port } = await startSecure()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  await expect(open(port, 'one.test', old)).rejects.toThrow()
  const plain = connectPlain(port, '127.0.0.1')
  plain.on('error', () => undefined)
  plain.end(get('/s/web'))
  await until(() => plain.destroyed)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await open(port, 'one.test', { minVersion: version, maxVersion: version })
    expect(await ask(socket)).toContain('200')
  }
})

test('a changed certificate is served to new connections, and cuts none that are open', async () => {
  const { proxy, port } = await startSecure()
  const kept = [await open(port, 'one.test'), await open(port, 'two.test')]
  const before = kept.map(serialOf)
  const fresh = [await kit.issue('one.test'), await kit.issue('two.test')]
  for (const [at, name] of ['one', 'two'].entries()) {
    const pair = fresh[at]
    if (pair !== undefined) kit.write(name, pair)
  }
  const want = fresh.map(({ certificate }) => new X509Certificate(certificate).serialNumber)
  await until(async () => {
    const seen = [await open(port, 'one.test'), await open(port, 'two.test')].map(serialOf)
    return seen.join() === want.join()
  })
  const unnamed = await open(port, 'x.test', { checkServerIdentity: () => undefined })
  expect(serialOf(unnamed)).toBe(want[0])
  for (const socket of kept) expect(await ask(socket)).toContain('200')
  expect(kept.map(serialOf)).toEqual(before)
  expect(proxy.said('certificates reloaded')).toBeGreaterThan(0)
})

test('a take-over of a proxy with TLS fails no request of clients that never retry', async () => {
  const { proxy, port } = await startSecure()
  let over = false
  const counts = { answers: 0, failures: [] as string[] }
  const clients = [true, true, false, false].map(async (keepAlive) => {
    const agent = new Agent({ keepAlive, maxSockets: 1, ca: kit.ca, servername: 'two.test' })
    while (!over) {
      await askOnce(port, agent).then(
        () => {
          counts.answers += 1
        },
        (error) => counts.failures.push(String(error)),
      )
    }
    agent.destroy()
  })
  for (let round = 0; round < 3; round += 1) {
    const { answers } = counts
    await proxy.takeOver()
    await until(() => counts.answers > answers + 20)
  }
  over = true
  await Promise.all(clients)
  expect(counts.failures).toEqual([])
})

test.each([
  ['no certificate', [], /neither --tls-cert and --tls-key nor --tls-dir/],
  ['a file that is not there', ['--tls-cert', '/no.crt', '--tls-key', '/no.key'], /\/no\.crt/],
])('a proxy with %s says so in one sentence and exits with 1', async (_what, flags, why) => {
  const places = ['--port', '0', '--admin-port', '0', '--tls-port', '0', '--data', stage.dir]
  const { code, output } = await run('proxy', [...places, '--routes', stage.routes({}), ...flags])
  expect(output.trim()).toMatch(/^Cannot use the certificates: [^\n]+$/)
  expect(output).toMatch(why)
  expect(code).toBe(1)
})

function askOnce(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/s/web', agent }, (response) => {
      response.on('error', reject)
      response.on('end', () =>
        response.complete && response.statusCode === 200
          ? resolve()
          : reject(new Error(`${response.statusCode}`)),
      )
      response.resume()
    })
    asked.on('error', reject)
    asked.end()
  })
}
