import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  dockerConfigDirectory,
  openRegistryCredentials,
} from '../../../../worker/drivers/docker/registry-credentials.ts'
import { until } from '../../../support/until.ts'
import { RecordedLog } from '../../support/recorded-log.ts'
import { scratch } from '../../support/scratch.ts'

const HUB = 'https://index.docker.io/v1/'
const SECRET = 'pa:ss w0rd'

interface Desk {
  readonly of: (registry: string) => Promise<unknown>
  readonly write: (config: unknown) => Promise<void>
  readonly helper: (name: string, script: string) => Promise<void>
  readonly folder: string
  readonly log: RecordedLog
}

/** A folder with a config.json, and helpers on a PATH of its own. */
async function desk(config?: unknown): Promise<Desk> {
  const folder = await scratch()
  const log = new RecordedLog()
  const environment = { PATH: `${folder}:${process.env.PATH}`, FOLDER: folder }
  const credentials = openRegistryCredentials({ directory: folder, log, environment })
  const write = async (next: unknown): Promise<void> => {
    const text = typeof next === 'string' ? next : JSON.stringify(next)
    await writeFile(join(folder, 'config.json'), text)
  }
  if (config !== undefined) await write(config)
  const helper = async (name: string, script: string): Promise<void> => {
    const path = join(folder, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }
  return { of: (registry) => credentials.of(registry), write, helper, folder, log }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const ann = { auth: base64(`ann:${SECRET}`) }
const annAt = (serveraddress: string) => ({
  auth: { username: 'ann', password: SECRET, serveraddress },
})

const found: readonly [what: string, config: unknown, registry: string, answer: unknown][] = [
  ['the same name', { auths: { 'reg:5000': ann } }, 'reg:5000', annAt('reg:5000')],
  ['an address', { auths: { 'https://reg:5000/v2/': ann } }, 'reg:5000', annAt('reg:5000')],
  ['Docker Hub', { auths: { [HUB]: ann } }, HUB, annAt(HUB)],
  ['Docker Hub by a short name', { auths: { 'docker.io': ann } }, HUB, annAt(HUB)],
  ['another registry', { auths: { 'reg:5001': ann } }, 'reg:5000', {}],
  ['another Hub', { auths: { 'hub.example': ann } }, HUB, {}],
  ['no entry', {}, 'reg:5000', {}],
  ['an empty entry', { auths: { 'reg:5000': {} } }, 'reg:5000', {}],
  [
    'the exact name before a similar one',
    { auths: { 'http://reg:5000': { auth: base64('bob:x') }, 'reg:5000': ann } },
    'reg:5000',
    annAt('reg:5000'),
  ],
  [
    'a name and password in the open',
    { auths: { 'reg:5000': { username: 'ann', password: SECRET } } },
    'reg:5000',
    annAt('reg:5000'),
  ],
  [
    'an identity token before a password',
    { auths: { 'reg:5000': { ...ann, identitytoken: 'tok' } } },
    'reg:5000',
    { auth: { identitytoken: 'tok', serveraddress: 'reg:5000' } },
  ],
  [
    'an entry padded by an old Docker',
    { auths: { 'reg:5000': { auth: base64(`ann:${SECRET}\0\0`) } }, HttpHeaders: { a: 1 } },
    'reg:5000',
    annAt('reg:5000'),
  ],
]

test.each(found)('of() finds %s', async (_what, config, registry, answer) => {
  const { of, log } = await desk(config)
  expect(await of(registry)).toEqual(answer)
  expect(log.lines).toEqual([])
})

test('of() lives without a file, and reads it again when it changes', async () => {
  const { of, write, log } = await desk()
  expect(await of('reg:5000')).toEqual({})
  await write({ auths: { 'reg:5000': ann } })
  expect(await of('reg:5000')).toEqual(annAt('reg:5000'))
  await write({})
  expect(await of('reg:5000')).toEqual({})
  expect(log.lines).toEqual([])
})

const damaged: readonly [string, string, RegExp][] = [
  ['no JSON', `{"auths": {"reg:5000": {"auth": "${base64(SECRET)}`, /it is not JSON$/],
  ['a list', '[]', /its "content" is not as Docker writes it$/],
  ['odd entries', '{"auths": {"reg:5000": "x"}}', /its "auths" is not as Docker writes it$/],
  ['an odd store', '{"credsStore": 7}', /its "credsStore" is not as Docker writes it$/],
  ['much too much', JSON.stringify('x'.repeat(1_100_000)), /it is too long$/],
]

test.each(damaged)(
  'of() goes on without a file that holds %s, told once',
  async (_what, text, why) => {
    const { of, write, log } = await desk(text)
    expect(await of('reg:5000')).toEqual({ trouble: expect.stringMatching(why) })
    await of('reg:5000')
    expect(log.count('Docker configuration unusable')).toBe(1)
    await write({})
    expect(await of('reg:5000')).toEqual({})
    await write(text)
    await of('reg:5000')
    expect(log.count('Docker configuration unusable')).toBe(2)
    expect(JSON.stringify(log.lines)).not.toContain(base64(SECRET).slice(0, 8))
  },
)

test.each([base64('without colon'), base64(':x'), '%%%%'])(
  'of() does not repeat a damaged entry %s',
  async (auth) => {
    const { of, log } = await desk({ auths: { 'reg:5000': { auth } } })
    const trouble = "what Docker's config.json has for reg:5000 is damaged"
    expect(await of('reg:5000')).toEqual({ trouble })
    expect(JSON.stringify(log.lines)).not.toContain(auth)
  },
)

test('of() asks the helper of a registry with the registry on its standard input', async () => {
  const { of, helper, folder } = await desk({
    ...{ credHelpers: { 'reg:5000': 'safe' }, auths: { 'reg:5000': { auth: base64('bob:x') } } },
  })
  const answer = JSON.stringify({ ServerURL: 'reg:5000', Username: 'ann', Secret: SECRET })
  await helper('safe', `read host; echo "$1 $host" >> $FOLDER/asked; echo '${answer}'`)
  expect(await of('reg:5000')).toEqual(annAt('reg:5000'))
  expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('get reg:5000\n')
  expect(await of('other:5000')).toEqual({})
})

test('of() asks the store for every registry, and takes a token for what it is', async () => {
  const { of, helper } = await desk({ credsStore: 'store' })
  await helper('store', `read host; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"$host\\"}"`)
  expect(await of(HUB)).toEqual({ auth: { identitytoken: HUB, serveraddress: HUB } })
})

test('of() finds nothing where the helper keeps nothing', async () => {
  const { of, helper, log } = await desk({ credsStore: 'empty' })
  await helper('empty', 'echo "credentials not found in native keychain"; exit 1')
  expect(await of('reg:5000')).toEqual({})
  expect(log.lines).toEqual([])
})

const failing: readonly [string, string, RegExp][] = [
  ['fails', `echo '${SECRET}'; exit 3`, /^docker-credential-bad failed with code 3$/],
  ['dies', `echo '${SECRET}'; kill -9 $$`, /^docker-credential-bad failed$/],
  ['prints no JSON', `echo '${SECRET}'`, /^docker-credential-bad answered something else than/],
  ['prints other JSON', `echo '{"Secret": "${SECRET}"}'`, /answered something else than/],
  ['never stops printing', 'yes', /^docker-credential-bad answered too much$/],
]

test.each(failing)(
  'of() says that a helper %s, and never what it said',
  async (_what, script, why) => {
    const { of, helper, log } = await desk({ credsStore: 'bad' })
    await helper('bad', script)
    expect(await of('reg:5000')).toEqual({ trouble: expect.stringMatching(why) })
    expect(log.count('credentials of a registry unusable')).toBe(1)
    expect(JSON.stringify(log.lines)).not.toContain(SECRET)
  },
)

test('of() ends a helper that hangs, with everything it has started', async () => {
  const { of, helper, folder } = await desk({ credsStore: 'slow' })
  await helper('slow', 'sleep 600 & echo $$ $! > $FOLDER/pids; wait')
  expect(await of('reg:5000')).toEqual({
    trouble: 'docker-credential-slow did not answer within 10 s',
  })
  const pids = (await readFile(join(folder, 'pids'), 'utf8')).trim().split(' ').map(Number)
  expect(pids).toHaveLength(2)
  await until(() => !pids.some(isAlive))
})

test.each(['../bad', 'a b', 'a;id', 'A', '$(id)', 'x'.repeat(65), ''])(
  'of() never runs a helper named "%s"',
  async (name) => {
    const { of, helper, folder } = await desk({ credHelpers: { 'reg:5000': name } })
    await mkdir(join(folder, 'docker-credential-..'), { recursive: true })
    await helper('bad', 'touch $FOLDER/was-here')
    const answer = name === '' ? {} : { trouble: 'the name of its credential helper is not valid' }
    expect(await of('reg:5000')).toEqual(answer)
    await expect(readFile(join(folder, 'was-here'))).rejects.toThrow('ENOENT')
  },
)

test('of() says so when there is no such helper', async () => {
  const { of } = await desk({ credsStore: 'nowhere' })
  expect(await of('reg:5000')).toEqual({
    trouble: 'docker-credential-nowhere cannot be run (ENOENT)',
  })
})

test('dockerConfigDirectory() is where Docker itself looks', () => {
  expect(dockerConfigDirectory({ DOCKER_CONFIG: '/etc/d', HOME: '/root' })).toBe('/etc/d')
  expect(dockerConfigDirectory({ DOCKER_CONFIG: '', HOME: '/home/ann' })).toBe('/home/ann/.docker')
  expect(dockerConfigDirectory({})).toMatch(/\/\.docker$/)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
