import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { expect, test } from 'vitest'
import { openIdentity } from '../../master/identity/identity.ts'
import { issueServerTls } from '../../master/identity/server-tls.ts'
import { systemClock } from '../../shared/clock.ts'
import { createCertificateRequest } from '../../shared/credential.ts'
import { createToken, fingerprintOf, formatToken } from '../../shared/token.ts'
import { createAuthority } from '../../shared/x509.ts'
import {
  client,
  directory,
  get,
  identity,
  listening,
  post,
  secure,
  token,
} from './control-fixture.ts'

test('call() trusts by a token and is known by a certificate', async () => {
  const master = await secure(identity)
  const joining = client({ masters: [master], token: token() })
  expect(joining.trustedCa()).toBeUndefined()
  expect(await joining.call(get)).toMatchObject({ role: 'join' })
  const ca = joining.trustedCa()
  expect(fingerprintOf(ca ?? '')).toBe(identity.tokens.join.fingerprint)
  const { key, request } = await createCertificateRequest()
  const certificate = await identity.issueClientCertificate(request, {
    role: 'node',
    subject: 'n1',
  })
  const credential = { id: 'n1', secret: '', master, key, certificate, ca }
  const joined = client({ masters: [master], credential })
  expect(await joined.call(get)).toMatchObject({ role: 'node', subject: 'n1' })
  joining.renew(credential)
  expect(await joining.call(get)).toMatchObject({ role: 'node', subject: 'n1' })
})

test('call() is let in with its token when its certificate is of no use any more', async () => {
  const other = await openIdentity(join(directory, 'other'), systemClock)
  const { key, request } = await createCertificateRequest()
  const certificate = await other.issueClientCertificate(request, { role: 'node', subject: 'n1' })
  const master = await secure(identity)
  const credential = { id: 'n1', secret: '', master, key, certificate, ca: identity.ca }
  expect(await client({ masters: [master], credential }).call(get)).toMatchObject({ role: 'none' })
  const both = client({ masters: [master], credential, token: token() })
  expect(await both.call(get)).toMatchObject({ role: 'join' })
})

test('call() tells a wrong secret from a wrong cluster', async () => {
  const master = await secure(identity)
  const wrong = formatToken(createToken('join', identity.tokens.join.fingerprint))
  expect(await client({ masters: [master], token: wrong }).call(get)).toMatchObject({
    role: 'none',
  })
  const foreign = formatToken(createToken('join', 'x'.repeat(43)))
  await expect(client({ masters: [master], token: foreign }).call(post)).rejects.toMatchObject({
    status: 403,
    code: 'WRONG_MASTER',
  })
})

test('call() is answered by the right master after a wrong one', async () => {
  const other = await openIdentity(join(directory, 'other'), systemClock)
  const masters = [await secure(other), await secure(identity)]
  expect(await client({ masters, token: token() }).call(post)).toMatchObject({ role: 'join' })
})

test.each([
  { what: 'its own CA', forges: false, expected: 'its certificate is not of the cluster' },
  {
    what: 'the real CA above a forged certificate',
    forges: true,
    expected: 'cannot be trusted (CERT_SI',
  },
])('call() gives no secret to a fake master that shows $what', async ({ forges, expected }) => {
  const nowMs = systemClock.nowMs()
  const other = await createAuthority('orchestrify CA', { fromMs: nowMs, untilMs: nowMs + 1e9 })
  const issuer = forges ? { key: other.key, certificate: identity.ca } : other
  const { key, cert } = await issueServerTls(issuer, nowMs)
  const decrypted: Buffer[] = []
  const raw: Buffer[] = []
  const fake = createTlsServer({ key, cert }, (socket) => {
    socket.on('data', (chunk: Buffer) => decrypted.push(chunk))
    socket.on('error', () => socket.destroy())
  })
  const relay = createTcp((socket) => {
    const inner = connect((fake.address() as AddressInfo).port, '127.0.0.1')
    socket.on('data', (chunk) => raw.push(chunk))
    socket.on('close', () => inner.destroy())
    inner.on('error', () => socket.destroy())
    socket.pipe(inner).pipe(socket)
  })
  await listening(fake)
  const master = `https://127.0.0.1:${await listening(relay)}`
  const caller = client({ masters: [master], token: token() })
  await expect(caller.call(post)).rejects.toThrow(expected)
  await expect(caller.call(get)).rejects.toThrow(expected)
  expect(raw.length).toBeGreaterThan(0)
  expect(Buffer.concat(decrypted)).toHaveLength(0)
  expect(Buffer.concat(raw).toString('latin1')).not.toContain(identity.tokens.join.secret)
})

test('call() refuses a master whose certificate has expired', async () => {
  const key = await readFile(join(directory, 'identity', 'ca.key'), 'utf8')
  const longAgoMs = systemClock.nowMs() - 200 * 86_400_000
  const tls = await issueServerTls({ key, certificate: identity.ca }, longAgoMs)
  const asked: unknown[] = []
  const master = await secure({ ...identity, issueServerTls: async () => tls }, (request) =>
    asked.push(request),
  )
  const called = client({ masters: [master], token: token() }).call(post)
  await expect(called).rejects.toThrow('its certificate has expired')
  expect(asked).toHaveLength(0)
})

test('call() says what is wrong with a master that does not speak TLS', async () => {
  const silent = await listening(createTcp((socket) => socket.end('SSH-2.0-x\r\n')))
  const called = client({ masters: [`https://127.0.0.1:${silent}`], token: token() }).call(get)
  await expect(called).rejects.toThrow(/Cannot reach the master at .*: .*(TLS|cut)/)
})

test('call() does not wait longer than its deadline for a TLS handshake', async () => {
  const silent = await listening(createTcp())
  const caller = client({ masters: [`https://127.0.0.1:${silent}`], token: token() })
  await expect(caller.call({ ...get, deadlineMs: 60 })).rejects.toThrow('no answer within 60 ms')
})
