import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createPlainGate } from '../../../master/server/plain-gate.ts'
import { ask, serve } from '../control-fixture.ts'

function plainRequest(remoteAddress: string, headers: Readonly<Record<string, string>> = {}) {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

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
