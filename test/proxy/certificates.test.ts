import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CertificateSources } from '../../proxy/certificate-files.ts'
import { Certificates } from '../../proxy/certificates.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { CertificateKit } from './support/certificate-kit.ts'

let dir = ''
let kit: CertificateKit
const lines: string[] = []
const log: Log = {
  error: (message) => void lines.push(message),
  warn: (message, fields) => void lines.push(`${message}: ${fields?.reason ?? fields?.file}`),
  info: (message) => void lines.push(message),
  debug: () => undefined,
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-certificates-'))
  kit = await CertificateKit.create(dir)
  lines.length = 0
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

const nowMs = (): number => systemClock.nowMs()

function load(sources: Partial<CertificateSources>): Promise<Certificates> {
  return Certificates.load({ certs: [], keys: [], directory: undefined, ...sources }, log, nowMs())
}

async function pair(file: string, name = `${file}.test`, days = 30) {
  const { cert, key } = kit.write(file, await kit.issue(name, days))
  return { certs: [cert], keys: [key] }
}

test('contextFor() prefers the very name to many, and what lasts longest among equals', async () => {
  await pair('a', '*.shop.test')
  await pair('b', 'api.shop.test', 5)
  await pair('c', 'api.shop.test', 20)
  const certificates = await load({ directory: dir })
  const only = async (file: string) => {
    const found = { certs: [join(dir, `${file}.crt`)], keys: [join(dir, `${file}.key`)] }
    return (await load(found)).first.cert
  }
  expect(certificates.first.cert).toBe(await only('a'))
  const api = certificates.contextFor('api.shop.test')
  const any = certificates.contextFor('www.shop.test')
  expect(api).toBeDefined()
  expect(any).toBeDefined()
  expect(any).not.toBe(api)
  expect(certificates.contextFor('API.shop.test')).toBe(api)
  expect(certificates.contextFor('a.b.shop.test')).toBeUndefined()
  expect(certificates.contextFor('shop.test')).toBeUndefined()
  rmSync(join(dir, 'b.crt'))
  await certificates.look(nowMs())
  expect(certificates.contextFor('api.shop.test')).toBeDefined()
})

test('load() reads pairs beside each other, and folders as clients of ACME lay them out', async () => {
  await pair('one')
  writeFileSync(join(dir, 'lonely.crt'), 'no key beside it')
  const live = join(dir, 'two.test')
  mkdirSync(live)
  const { key, certificate } = await kit.issue('two.test')
  writeFileSync(join(live, 'fullchain.pem'), `${certificate}\n${kit.ca}`)
  writeFileSync(join(live, 'privkey.pem'), key)
  const certificates = await load({ directory: dir })
  expect(certificates.contextFor('one.test')).toBeDefined()
  expect(certificates.contextFor('two.test')).toBeDefined()
})

test('contextFor() answers as before after more names than it remembers', async () => {
  const certificates = await load(await pair('one'))
  for (let at = 0; at < 2_500; at += 1) certificates.contextFor(`made-up-${at}.test`)
  expect(certificates.contextFor('one.test')).toBeDefined()
  expect(certificates.contextFor('made-up-1.test')).toBeUndefined()
})

const broken: readonly [string, (dir: string) => Partial<CertificateSources>, RegExp][] = [
  ['nothing given', () => ({}), /neither --tls-cert and --tls-key nor --tls-dir is given/],
  ['an empty folder', (at) => ({ directory: join(at, 'empty') }), /empty holds no NAME.crt/],
  ['a folder that is not there', (at) => ({ directory: join(at, 'no') }), /no: there is no such/],
  ['a missing key', (at) => ({ certs: [join(at, 'good.crt')] }), /1 of --tls-cert and 0 of/],
  [
    'a file that is not there',
    (at) => ({ certs: [join(at, 'no.crt')], keys: [join(at, 'good.key')] }),
    /no\.crt: there is no such file/,
  ],
  [
    'a folder as a file',
    (at) => ({ certs: [join(at, 'empty')], keys: [join(at, 'good.key')] }),
    /empty: it is a folder/,
  ],
  [
    'a certificate that is none',
    (at) => ({ certs: [join(at, 'good.key')], keys: [join(at, 'good.key')] }),
    /good\.key: it is no certificate/,
  ],
  [
    'a key that is none',
    (at) => ({ certs: [join(at, 'good.crt')], keys: [join(at, 'good.crt')] }),
    /good\.crt: it is no private key/,
  ],
  [
    'the key of another',
    (at) => ({ certs: [join(at, 'good.crt')], keys: [join(at, 'other.key')] }),
    /other\.key: it is not the key of .*good\.crt/,
  ],
  [
    'a file without end',
    (at) => ({ certs: [join(at, 'huge.crt')], keys: [join(at, 'good.key')] }),
    /huge\.crt: it is larger than/,
  ],
]

test.each(broken)(
  'load() says in one sentence what is wrong with %s',
  async (_what, sources, why) => {
    mkdirSync(join(dir, 'empty'))
    await pair('good')
    await pair('other')
    writeFileSync(join(dir, 'huge.crt'), 'x'.repeat(1_000_001))
    const failed = await load(sources(dir)).then(
      () => 'nothing was wrong',
      (error) => (error instanceof Error ? error.message : String(error)),
    )
    expect(failed).toMatch(/^Cannot use the certificates: [^\n]+$/)
    expect(failed).toMatch(why)
  },
)

test('load() takes a certificate that has ended, and says so', async () => {
  await load(await pair('old', 'old.test', -1))
  expect(lines).toEqual([`certificate has ended: ${join(dir, 'old.crt')}`])
})

test('look() takes what changed, and tells whoever wants to know', async () => {
  const certificates = await load(await pair('one'))
  let changes = 0
  certificates.onChange(() => {
    changes += 1
  })
  const before = [certificates.first.cert, certificates.contextFor('one.test')]
  await certificates.look(nowMs())
  expect(changes).toBe(0)
  await pair('one')
  await certificates.look(nowMs())
  expect(changes).toBe(1)
  expect(certificates.first.cert).not.toBe(before[0])
  expect(certificates.contextFor('one.test')).not.toBe(before[1])
  expect(lines).toEqual(['certificates reloaded'])
})

test('look() keeps the old ones while the files are of no use, and says so once', async () => {
  const certificates = await load(await pair('one'))
  const { cert } = certificates.first
  const fresh = await kit.issue('one.test')
  writeFileSync(join(dir, 'one.crt'), fresh.certificate)
  for (let round = 0; round < 3; round += 1) await certificates.look(nowMs())
  expect(certificates.first.cert).toBe(cert)
  expect(lines).toEqual([expect.stringMatching(/^certificates not reloaded: .*is not the key of/)])
  rmSync(join(dir, 'one.key'))
  await certificates.look(nowMs())
  expect(certificates.first.cert).toBe(cert)
  writeFileSync(join(dir, 'one.key'), fresh.key)
  await certificates.look(nowMs())
  expect(certificates.first.cert).toBe(fresh.certificate)
  expect(lines.at(-1)).toBe('certificates reloaded')
})

test('look() does not replace a certificate by one that has ended', async () => {
  const certificates = await load(await pair('one'))
  const { cert } = certificates.first
  await pair('one', 'one.test', -1)
  await certificates.look(nowMs())
  expect(certificates.first.cert).toBe(cert)
  expect(lines).toEqual([expect.stringContaining('it has ended on')])
})
