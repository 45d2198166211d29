import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  completeImage,
  formatImage,
  type ImageReference,
  nameOf,
  parseImage,
  parseRegistryPrefix,
  registryOf,
} from '../../shared/image-reference.ts'

const SHA256 = `sha256:${'0123456789abcdef'.repeat(4)}`
const SHA512 = `sha512:${'0123456789abcdef'.repeat(8)}`
const HUB = 'https://index.docker.io/v1/'

const good: readonly [string, ImageReference][] = [
  ['nginx', { repository: 'nginx' }],
  ['nginx:1.27', { repository: 'nginx', tag: '1.27' }],
  ['team/app', { repository: 'team/app' }],
  ['library/nginx:1', { repository: 'library/nginx', tag: '1' }],
  ['reg:5000/a/b:1.2', { registry: 'reg:5000', repository: 'a/b', tag: '1.2' }],
  ['reg:5000/a/b', { registry: 'reg:5000', repository: 'a/b' }],
  ['localhost/x', { registry: 'localhost', repository: 'x' }],
  ['localhost:5000/x:y', { registry: 'localhost:5000', repository: 'x', tag: 'y' }],
  ['localhost', { repository: 'localhost' }],
  ['ghcr.io/o/p:v1', { registry: 'ghcr.io', repository: 'o/p', tag: 'v1' }],
  ['REG.example:5000/a', { registry: 'REG.example:5000', repository: 'a' }],
  ['10.1.2.3:5000/a', { registry: '10.1.2.3:5000', repository: 'a' }],
  ['[::1]:5000/a', { registry: '[::1]:5000', repository: 'a' }],
  ['docker.io/nginx', { registry: 'docker.io', repository: 'nginx' }],
  [`app@${SHA256}`, { repository: 'app', digest: SHA256 }],
  [`app:1@${SHA256}`, { repository: 'app', tag: '1', digest: SHA256 }],
  [`r:1/app:1@${SHA512}`, { registry: 'r:1', repository: 'app', tag: '1', digest: SHA512 }],
  ['g/a.b_c__d-e---f:T_.-', { repository: 'g/a.b_c__d-e---f', tag: 'T_.-' }],
  // Whether a number is a port or a tag is told by the slash alone.
  ['host:5000', { repository: 'host', tag: '5000' }],
]

test.each(good)('parseImage() reads %s', (text, reference) => {
  expect(parseImage(text)).toEqual(reference)
  expect(formatImage(reference)).toBe(text)
})

const bad = [
  ...['', ' ', ':', '@', '/', 'a/', '/a', 'a//b', 'a:', ':1', 'a@', '@sha256:00', 'nginx:', ' a'],
  ...['Nginx', 'reg:5000/A/b', 'Team/app', 'a b', 'a\n', 'a:1\n', 'a:1 ', 'a\u0000', 'é'],
  ...['.a', 'a.', 'a..b', '-a', 'a-', 'a___b', '_a', 'a:.b', 'a:-b', 'a:b/c:d:e', 'a:b:c'],
  ...['reg:/a', 'reg:0/a', 'reg:65536/a', 'reg:99999999/a', '-r.x/a', 'r..x/a', 'reg:5000/'],
  ...['http://reg:5000/a', 'user@reg:5000/a', 'user:pw@reg:5000/a', 'reg:5000/../a', '../a'],
  ...['a;id', 'a$(id)', 'a`id`', 'a|b', 'a&b', "a'b", 'a"b', 'a\\b', 'a%2fb', 'a?tag=b', 'a#b'],
  ...['--help', '-v', 'a:--', '{a}', 'a*', '[::1]/', '[::1/a', 'a,b'],
  ...[
    'a@sha256:00',
    'a@sha256:',
    `a@${SHA256}0`,
    `a@${SHA256.toUpperCase()}`,
    `a@md5:${'0'.repeat(32)}`,
  ],
  ...[`a@${SHA256}@${SHA256}`, `${SHA256}@a`, '0123456789abcdef'.repeat(4)],
  ...[`a:${'t'.repeat(129)}`, 'a'.repeat(238), `r:1/${'a'.repeat(252)}`, 'a'.repeat(100_000)],
]

test.each(bad)('parseImage() refuses %j in one clause', (text) => {
  expect(() => parseImage(text)).toThrow(/^expected an image like registry:5000\/team\/app:1\.2/)
})

test('parseImage() takes names and tags as long as Docker does', () => {
  expect(parseImage('a'.repeat(237)).repository).toHaveLength(237)
  expect(parseImage(`r:1/${'a'.repeat(251)}:${'t'.repeat(128)}@${SHA512}`).tag).toHaveLength(128)
})

const complete: readonly [string, string | undefined, string][] = [
  ['nginx', undefined, 'nginx:latest'],
  ['nginx:1', undefined, 'nginx:1'],
  ['nginx', 'reg:5000', 'reg:5000/nginx:latest'],
  ['team/app:2', 'reg:5000', 'reg:5000/team/app:2'],
  ['app', 'reg:5000/team', 'reg:5000/team/app:latest'],
  ['app', 'reg:5000/team/', 'reg:5000/team/app:latest'],
  ['app', 'localhost', 'localhost/app:latest'],
  [`app@${SHA256}`, 'reg:5000', `reg:5000/app@${SHA256}`],
  [`app@${SHA256}`, undefined, `app@${SHA256}`],
  [`app:1@${SHA256}`, undefined, `app:1@${SHA256}`],
  ['other:5000/app', 'reg:5000', 'other:5000/app:latest'],
  ['docker.io/app', 'reg:5000', 'docker.io/app:latest'],
  ['localhost/app:1', 'reg:5000', 'localhost/app:1'],
]

test.each(complete)('completeImage() of %s with the registry %s is %s', (text, prefix, whole) => {
  expect(completeImage(text, prefix)).toBe(whole)
  expect(completeImage(whole, prefix)).toBe(whole)
})

test.each([
  '',
  '/',
  'reg',
  'team/app',
  'http://reg:5000',
  'reg:5000//a',
  'reg:5000/A',
  'reg:5000/a:1',
  'reg:5000 ',
  'reg:0',
  `${'r'.repeat(300)}:1`,
])('parseRegistryPrefix() refuses %j', (text) => {
  expect(() => parseRegistryPrefix(text)).toThrow('expected a registry like registry:5000')
})

const registries: readonly [string, string][] = [
  ['nginx', HUB],
  ['team/app', HUB],
  ['docker.io/nginx', HUB],
  ['index.docker.io/nginx', HUB],
  ['registry-1.docker.io/library/nginx', HUB],
  ['reg:5000/a', 'reg:5000'],
  ['ghcr.io/a', 'ghcr.io'],
  ['localhost/a', 'localhost'],
]

test.each(registries)('registryOf() %s is %s', (text, host) => {
  expect(registryOf(parseImage(text))).toBe(host)
})

const part = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/)
const reference = fc
  .record(
    {
      registry: fc.constantFrom('reg:5000', 'localhost', 'ghcr.io', '10.0.0.1:80', 'a-b.c:65535'),
      repository: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      digest: fc.constantFrom(SHA256, SHA512),
    },
    { requiredKeys: ['repository'] },
  )
  // A first part with a dot would be a registry.
  .filter(
    ({ registry, repository }) =>
      registry !== undefined || !/^(localhost|[^/]*\.[^/]*)\//.test(repository),
  )

test('parseImage() reads back every reference that formatImage() writes', () => {
  fc.assert(
    fc.property(reference, (given) => {
      expect(parseImage(formatImage(given))).toEqual(given)
      expect(formatImage(given).startsWith(nameOf(given))).toBe(true)
    }),
  )
})

test('completeImage() says a tag or digest, keeps what was given, and settles', () => {
  const prefix = fc.constantFrom(undefined, 'reg:5000', 'reg:5000/team')
  fc.assert(
    fc.property(reference, prefix, (given, registry) => {
      const whole = completeImage(formatImage(given), registry)
      const { tag, digest, repository } = parseImage(whole)
      expect(tag ?? digest).toBeDefined()
      expect(tag).toBe(given.tag ?? (given.digest === undefined ? 'latest' : undefined))
      expect(digest).toBe(given.digest)
      expect(repository.endsWith(given.repository)).toBe(true)
      expect(completeImage(whole, registry)).toBe(whole)
    }),
  )
})

test('parseImage() either refuses any text or takes all of it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[a-zA-Z0-9:/@._-]{0,30}$/),
  )
  fc.assert(
    fc.property(text, (given) => {
      let parsed: ImageReference
      try {
        parsed = parseImage(given)
      } catch (error) {
        expect(String(error)).toMatch(/^Error: expected an image like /)
        return
      }
      expect(formatImage(parsed)).toBe(given)
      expect(given).toMatch(/^[\x21-\x7e]+$/)
    }),
    { numRuns: 2_000 },
  )
})
