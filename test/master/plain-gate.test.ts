import type { IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { createPlainGate } from '../../master/plain-gate.ts'
import { ask, callerOf, identity, serve, trusting } from './control-fixture.ts'

function plainRequest(remoteAddress: string, headers: Readonly<Record<string, string>> = {}) {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

const far = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

test('createPlainGate() asks another machine for TLS, and says no secret', () => {
  for (const address of ['10.0.0.5', '::ffff:10.0.0.5', 'fe80::1', '128.0.0.1', '']) {
    const refusal = createPlainGate(false)(plainRequest(address))
    expect(refusal).toMatchObject({ status: 426, code: 'TLS_REQUIRED' })
    expect(createPlainGate(true)(plainRequest(address))).toBeUndefined()
  }
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1']) {
    expect(createPlainGate(false)(plainRequest(address))).toBeUndefined()
  }
})

// Where the machine has no other address than loopback, the test above shows the same rule.
test.runIf(far !== undefined)(
  'createControlServer() answers 426 to plain HTTP from elsewhere',
  async () => {
    const host = far ?? ''
    const { port } = await serve({ host: '0.0.0.0', upgrade: (_, socket) => socket.destroy() })
    const { status, text } = await ask(port, { host })
    expect(status).toBe(426)
    expect(JSON.parse(text).error.message).toContain('run "orchestrify token" on the master')
    for (const { secret, fingerprint } of Object.values(identity.tokens)) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(fingerprint)
    }
    const upgraded = await ask(port, {
      host,
      headers: { connection: 'upgrade', upgrade: 'websocket' },
    })
    expect(upgraded.status).toBe(426)
    expect(await callerOf(port, { host, tls: trusting() })).toMatchObject({ role: 'none' })
    const open = await serve({ host: '0.0.0.0', insecure: true })
    expect(await callerOf(open.port, { host })).toMatchObject({ role: 'admin' })
  },
)

test.each([
  { host: 'evil.example:80', origin: undefined, status: 403 },
  { host: 'localhost.evil.example', origin: undefined, status: 403 },
  { host: 'localhost:1', origin: undefined, status: 200 },
  { host: '127.0.0.1', origin: 'http://evil.example', status: 403 },
  { host: '127.0.0.1', origin: 'null', status: 403 },
  { host: '127.0.0.1:5', origin: 'http://127.0.0.1:6', status: 403 },
  { host: '127.0.0.1:5', origin: 'https://127.0.0.1:5', status: 403 },
  { host: '127.0.0.1:5', origin: 'http://127.0.0.1:5', status: 200 },
  { host: '[::1]:5', origin: 'http://[::1]:5', status: 200 },
])('createControlServer() answers $status to host $host, origin $origin', async (row) => {
  const { port } = await serve()
  const headers = { host: row.host, ...(row.origin === undefined ? {} : { origin: row.origin }) }
  expect((await ask(port, { headers })).status).toBe(row.status)
})
