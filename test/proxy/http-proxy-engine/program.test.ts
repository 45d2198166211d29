import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { Crowd } from '../parent/support/crowd.ts'
import { Stage } from '../parent/support/proxy-program.ts'
import { CertificateKit } from '../support/certificate-kit.ts'
import { closeAll, get, RawClient, upstream } from '../support/rig.ts'

let stage: Stage
const sockets: TLSSocket[] = []

beforeEach(() => {
  stage = new Stage()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await stage.clear()
  await closeAll()
})

function queries(): Promise<number> {
  return upstream((request, response) => response.end(request.url?.slice('/'.length)))
}

async function start(...flags: readonly string[]) {
  const routes = stage.routes({ web: [await queries()] })
  return stage.start(['--engine', 'http-proxy', '--routes', routes, ...flags])
}

test('take-overs fail no request of clients that never retry, with the engine http-proxy', async () => {
  const proxy = await start()
  const url = `${proxy.url}/s/web/`
  const kept = new Crowd({ url, clients: 4, keepAlive: true })
  const fresh = new Crowd({ url, clients: 4, keepAlive: false })
  for (let round = 1; round <= 2; round += 1) {
    const before = [kept.answers, fresh.answers]
    await until(() => kept.answers > (before[0] ?? 0) + 30 && fresh.answers > (before[1] ?? 0) + 30)
    await proxy.takeOver()
  }
  await Promise.all([kept.stop(), fresh.stop()])
  expect([...kept.failures, ...fresh.failures]).toEqual([])
  expect(kept.closes).toBeGreaterThan(0)
})

test('a take-over lets an idle connection be until its next request, with the engine http-proxy', async () => {
  const proxy = await start()
  const client = new RawClient(proxy.port, get('/s/web/?1'))
  await client.receives(/\?1$/)
  await proxy.takeOver()
  await until(async () => (await fetch(`${proxy.url}/s/web/?fresh`)).ok)
  expect(client.closed).toBe(false)
  client.send(get('/s/web/?2'))
  expect(await client.all()).toMatch(/Connection: close[\s\S]*\?2$/)
})

test('a proxy serves HTTPS beside plain HTTP, with the engine http-proxy', async () => {
  const kit = await CertificateKit.create(stage.dir)
  const { cert, key } = kit.write('one', await kit.issue('one.test'))
  const port = await freePort()
  const web = await upstream((asked, response) => {
    response.end(`${asked.headers['x-forwarded-proto']} came`)
  })
  const routes = stage.routes({ web: [web] })
  const tls = ['--tls-port', String(port), '--tls-cert', cert, '--tls-key', key]
  const proxy = await stage.start(['--engine', 'http-proxy', '--routes', routes, ...tls])
  const socket = connect({ host: '127.0.0.1', port, ca: kit.ca, servername: 'one.test' })
  sockets.push(socket)
  let received = ''
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1')
  })
  socket.write(get('/s/web'))
  await until(() => /https came$/.test(received))
  expect(await (await fetch(`${proxy.url}/s/web`)).text()).toBe('http came')
})
