import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openIdentity, readTokens } from '../../../master/identity/identity.ts'
import { joinLine } from '../../../master/identity/join-line.ts'
import { systemClock } from '../../../shared/clock.ts'
import { createCertificateRequest } from '../../../shared/credential.ts'
import { fingerprintOf, formatToken, parseToken } from '../../../shared/token.ts'

let data = ''
beforeEach(async () => {
  data = join(await mkdtemp(join(tmpdir(), 'identity-')), 'data')
})
afterEach(() => rm(join(data, '..'), { recursive: true, force: true }))

const FILES = ['admin.token', 'ca.crt', 'ca.key', 'join.token']
const node = { role: 'node', subject: 'n1' } as const

test('openIdentity() creates private files at the first start and reads them later', async () => {
  const first = await openIdentity(data, systemClock)
  expect((await readdir(join(data, 'identity'))).sort()).toEqual(FILES)
  expect(await readdir(data)).toEqual(['identity'])
  for (const path of [data, join(data, 'identity')]) {
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  }
  for (const file of FILES) {
    expect((await stat(join(data, 'identity', file))).mode & 0o777).toBe(0o600)
  }
  const second = await openIdentity(data, systemClock)
  expect({ ca: second.ca, tokens: second.tokens }).toEqual({ ca: first.ca, tokens: first.tokens })
  expect(await readTokens(data)).toEqual(first.tokens)
})

test('openIdentity() makes one identity when two programs start at once', async () => {
  const both = await Promise.all([openIdentity(data, systemClock), openIdentity(data, systemClock)])
  expect(both[0]?.tokens).toEqual(both[1]?.tokens)
  expect(await readdir(data)).toEqual(['identity'])
})

test('readTokens() says so when no master has started there', async () => {
  await expect(readTokens(data)).rejects.toThrow(`Cannot read the tokens in ${data}: no master`)
})

test.each(FILES)(
  'openIdentity() refuses to start without %s and leaves the others alone',
  async (file) => {
    await openIdentity(data, systemClock)
    await unlink(join(data, 'identity', file))
    await expect(openIdentity(data, systemClock)).rejects.toThrow(`${file} is missing`)
    expect(await readdir(join(data, 'identity'))).toHaveLength(3)
  },
)

test.each(FILES)('openIdentity() refuses a damaged %s without repeating it', async (file) => {
  await openIdentity(data, systemClock)
  const path = join(data, 'identity', file)
  const text = await readFile(path, 'utf8')
  for (const damaged of ['', text.slice(0, text.length / 2), `${text.slice(0, 60)}\0\0\0`]) {
    await writeFile(path, damaged)
    const thrown = await openIdentity(data, systemClock).catch((error: unknown) => String(error))
    expect(thrown).toContain(`Cannot use the identity in ${path}: `)
    expect(thrown).not.toContain(text.slice(55, 75))
    expect(await readFile(path, 'utf8')).toBe(damaged)
  }
})

test('openIdentity() refuses files of two clusters', async () => {
  await openIdentity(data, systemClock)
  const other = join(data, '..', 'other')
  await openIdentity(other, systemClock)
  for (const file of ['ca.key', 'join.token']) {
    const path = join(data, 'identity', file)
    const own = await readFile(path)
    await writeFile(path, await readFile(join(other, 'identity', file)))
    await expect(openIdentity(data, systemClock)).rejects.toThrow('does not belong to ca.crt')
    await writeFile(path, own)
  }
})

test('joinLine() prints a token that names the CA', async () => {
  const { ca, tokens } = await openIdentity(data, systemClock)
  const parts = { program: 'worker', port: 18080, token: tokens.join } as const
  const line = joinLine({ ...parts, host: '10.0.0.1' })
  expect(line).toBe(
    `orchestrify worker --master-ip https://10.0.0.1:18080 --token ${formatToken(tokens.join)}`,
  )
  expect(parseToken(line.split(' ').at(-1) ?? '').fingerprint).toBe(fingerprintOf(ca))
  expect(joinLine({ ...parts, host: 'fd00::1' })).toContain('https://[fd00::1]:18080 ')
})

test('issueClientCertificate() gives the id and the role for 90 days, and the use of a client', async () => {
  const identity = await openIdentity(data, systemClock)
  const { request } = await createCertificateRequest()
  const issued = new X509Certificate(await identity.issueClientCertificate(request, node))
  expect(issued.subject.split('\n')).toEqual(['CN=n1', 'OU=node'])
  expect(issued.verify(new X509Certificate(identity.ca).publicKey)).toBe(true)
  expect(issued.ca).toBe(false)
  expect(issued.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(issued.subjectAltName).toBeUndefined()
  const lifeDays = (Date.parse(issued.validTo) - systemClock.nowMs()) / 86_400_000
  expect(lifeDays).toBeGreaterThan(89.9)
  expect(lifeDays).toBeLessThan(90.1)
})

test('issueClientCertificate() refuses a request that does not prove its key', async () => {
  const identity = await openIdentity(data, systemClock)
  const { request } = await createCertificateRequest()
  const base64 = request.replaceAll(/-----.*-----|\s/g, '')
  const der = Buffer.from(base64, 'base64')
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
  for (const bad of [forged, '', 'x', request.slice(0, 200), identity.ca, 'y'.repeat(9_000)]) {
    await expect(identity.issueClientCertificate(bad, node)).rejects.toMatchObject({ status: 422 })
  }
})

test.each(['', 'a b', 'a,OU=master', 'a\nCN=b', '../x', 'x'.repeat(65)])(
  'issueClientCertificate() refuses the id %j',
  async (subject) => {
    const identity = await openIdentity(data, systemClock)
    const { request } = await createCertificateRequest()
    const issued = identity.issueClientCertificate(request, { role: 'node', subject })
    await expect(issued).rejects.toMatchObject({ status: 422 })
  },
)
