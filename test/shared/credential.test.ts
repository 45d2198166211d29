import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Credential,
  createCertificateRequest,
  isOfSameCluster,
  isRenewalDue,
  loadCredential,
  saveCredential,
} from '../../shared/credential.ts'
import { createToken, fingerprintOf, formatToken } from '../../shared/token.ts'
import { createAuthority, issue, provenPublicKey } from '../../shared/x509.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 5, 1)

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credential-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function createCredential(): Promise<Credential> {
  const authority = await createAuthority('test CA', {
    fromMs: NOW_MS,
    untilMs: NOW_MS + 900 * DAY_MS,
  })
  const { key, request } = await createCertificateRequest()
  const certificate = await issue(authority, {
    name: 'n1',
    unit: 'node',
    use: 'client',
    validity: { fromMs: NOW_MS, untilMs: NOW_MS + 90 * DAY_MS },
    publicKey: (await provenPublicKey(request)) ?? '',
  })
  const ca = authority.certificate
  return { id: 'n1', secret: 's', master: 'https://127.0.0.1:1', key, certificate, ca }
}

test('loadCredential() answers undefined when there never was one', async () => {
  expect(await loadCredential(join(directory, 'none'))).toBeUndefined()
})

test('loadCredential() answers what saveCredential() stored, in private files alone', async () => {
  const home = join(directory, 'deep', 'data')
  const credential = await createCredential()
  await saveCredential(home, { id: 'old', secret: '', master: 'http://127.0.0.1:1' })
  await saveCredential(home, credential)
  expect(await loadCredential(home)).toEqual(credential)
  expect(await readdir(home)).toEqual(['credential.json'])
  expect((await stat(home)).mode & 0o777).toBe(0o700)
  expect((await stat(join(home, 'credential.json'))).mode & 0o777).toBe(0o600)
})

const damages: readonly (readonly [string, (text: string) => string])[] = [
  ['is cut in half', (text) => text.slice(0, text.length / 2)],
  ['is empty', () => ''],
  ['is null', () => 'null'],
  ['lacks its CA', (text) => JSON.stringify({ ...JSON.parse(text), ca: undefined })],
  ['has a key of another', (text) => text.replace(/"key": "[^"]*"/, '"key": "x"')],
  [
    'has a certificate that is none',
    (text) => text.replace(/"certificate": "[^"]*"/, '"certificate": "x"'),
  ],
]
test.each(damages)('loadCredential() names the file when it %s', async (_, damage) => {
  const credential = await createCredential()
  await saveCredential(directory, credential)
  const path = join(directory, 'credential.json')
  await writeFile(path, damage(await readFile(path, 'utf8')))
  const thrown = await loadCredential(directory).catch((error: unknown) => error)
  expect(String(thrown)).toContain(`Cannot read the credential ${path}: `)
  expect(String(thrown)).not.toContain('PRIVATE KEY')
})

test('loadCredential() refuses the key of another certificate', async () => {
  const [mine, other] = [await createCredential(), await createCredential()]
  await saveCredential(directory, { ...mine, key: other.key })
  await expect(loadCredential(directory)).rejects.toThrow(
    'its key does not belong to its certificate',
  )
})

test.each([
  { days: 59, due: false },
  { days: 60, due: true },
  { days: 200, due: true },
])('isRenewalDue() says $due after $days of 90 days', async ({ days, due }) => {
  expect(isRenewalDue(await createCredential(), NOW_MS + days * DAY_MS)).toBe(due)
})

test('isRenewalDue() says false without a certificate', () => {
  const plain = { id: 'n1', secret: '', master: 'http://127.0.0.1:1' }
  expect(isRenewalDue(plain, NOW_MS)).toBe(false)
})

test('isOfSameCluster() compares the CA with the one that the token names', async () => {
  const credential = await createCredential()
  const mine = formatToken(createToken('join', fingerprintOf(credential.ca ?? '')))
  const other = formatToken(createToken('join', fingerprintOf((await createCredential()).ca ?? '')))
  expect(isOfSameCluster(credential, mine)).toBe(true)
  expect(isOfSameCluster(credential, other)).toBe(false)
})
