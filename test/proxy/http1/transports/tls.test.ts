/** TLS runs on the public transport. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { dataTransports } from '../../../../proxy/http1/transports/data.ts'
import { systemClock } from '../../../../shared/clock.ts'
import { createAuthority } from '../../../../shared/x509.ts'
import { until } from '../../../support/until.ts'
import { Recorder } from './recorder.ts'
import { addressOf, turns } from './world.ts'

const DAY_MS = 86_400_000

test('accept() carries a TLS socket: much both ways, slow readers, one end after the other', async () => {
  const { far, client } = await secured()
  const [upwards, downwards] = [randomBytes(2_000_000), randomBytes(20_000_000)]
  const received = createHash('sha256')
  client.on('data', (bytes: Buffer) => received.update(bytes))
  client.pause()
  client.end(upwards)

  expect(far.send(downwards)).toBe(false)
  await turns()
  expect(far.told).toEqual([])
  far.onReceived = () => {
    far.pause()
    setImmediate(() => far.resume())
  }
  far.resume()
  await far.hears('ended')
  expect(far.digest).toBe(digest(upwards))
  expect(far.has('drained')).toBe(false)

  client.resume()
  await far.hears('drained')
  far.send('.')
  far.end()
  await far.hears('closed')
  await until(() => client.closed)
  expect(received.digest('hex')).toBe(digest(downwards, '.'))
  expect(far.reason).toBeUndefined()
  expect(far.wrongs).toEqual([])
})

test('accept() tells why a TLS connection was cut', async () => {
  const { far, client, raw } = await secured()
  far.resume()
  // Whoever is cut while the handshake still writes learns from TLS only that the other side ended.
  client.write('question')
  await far.hearsText('question')
  far.send('answer')
  await once(client, 'data')
  raw.resetAndDestroy()
  await far.hears('closed')
  expect(far.told.at(-1)).toBe('closed')
  expect(far.has('ended')).toBe(false)
  expect(far.reason).toBe('the connection was cut')
  expect(far.wrongs).toEqual([])
})

interface Secured {
  readonly far: Recorder
  readonly client: TLSSocket
  /** What the client's TLS runs on. */
  readonly raw: Socket
}

async function secured(): Promise<Secured> {
  const nowMs = systemClock.nowMs()
  const validity = { fromMs: nowMs - DAY_MS, untilMs: nowMs + DAY_MS }
  const { key, certificate } = await createAuthority('test', validity)
  const server = createServer({ key, cert: certificate, allowHalfOpen: true, noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection')
  const raw = connectTcp({ ...addressOf(server), allowHalfOpen: true })
  const client = connect({ socket: raw, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const [socket] = await accepted
  const far = new Recorder()
  far.transport = dataTransports.accept(socket, far)
  onTestFinished(async () => {
    client.destroy()
    far.transport.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { far, client, raw }
}

function digest(...parts: readonly (Buffer | string)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
