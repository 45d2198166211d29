import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Ports, parsePortRange } from '../../worker/ports.ts'
import { RecordedLog } from './support/recorded-log.ts'
import { scratch } from './support/scratch.ts'

const log = new RecordedLog()
const RANGE = parsePortRange('20000-29999')

/** A port of this machine that somebody listens on until the test ends. */
async function takenPort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test.each(['', '80', '90-80', '0-10', '1-70000', 'a-b', '1-2-3'])(
  'parsePortRange() refuses "%s"',
  (raw) => {
    expect(() => parsePortRange(raw)).toThrow('expected a range of ports like 20000-29999')
  },
)

test('Ports gives each replica a port of its own, also when all ask at once', async () => {
  const ports = await Ports.load(RANGE, await scratch(), log)
  ports.startFrom('node-a')
  const names = Array.from({ length: 20 }, (_, at) => `r${at}`)
  const taken = await Promise.all(names.map((name) => ports.take(name)))
  expect(new Set(taken).size).toBe(20)
  expect(taken.every((port) => port >= 20_000 && port <= 29_999)).toBe(true)
})

test('Ports keeps the port of a replica across restarts of both', async () => {
  const directory = await scratch()
  const before = await Ports.load(RANGE, directory, log)
  before.startFrom('node-a')
  const port = await before.take('r1')
  expect(await before.take('r1')).toBe(port)
  const after = await Ports.load(RANGE, directory, log)
  after.startFrom('node-b')
  expect(await after.take('r1')).toBe(port)
  expect(await after.take('r2')).not.toBe(port)
})

test('Ports gives nobody a port that the runtime could not have', async () => {
  const ports = await Ports.load(RANGE, await scratch(), log)
  ports.startFrom('node-a')
  const port = await ports.take('r1')
  await ports.bar('r1', port)
  expect(await ports.take('r1')).not.toBe(port)
  await expect(ports.take('r2', port)).rejects.toThrow(`Cannot use port ${port}: it is in use here`)
})

test('Ports starts in different places for different nodes', async () => {
  const one = await Ports.load(RANGE, await scratch(), log)
  const other = await Ports.load(RANGE, await scratch(), log)
  one.startFrom('e1e979ce-3d77-4255-b299-252886ae95f6')
  other.startFrom('e1e979ce-3d77-4255-b299-252886ae95f7')
  expect(await one.take('r1')).not.toBe(await other.take('r1'))
})

test.each(['127.0.0.1', '0.0.0.0'])('Ports passes over a port in use on %s', async (host) => {
  const first = await takenPort(host)
  const ports = await Ports.load(
    { first, last: Math.min(65_535, first + 50) },
    await scratch(),
    log,
  )
  expect(await ports.take('r1')).not.toBe(first)
})

test('Ports says so when the fixed port is in use', async () => {
  const fixed = await takenPort()
  const ports = await Ports.load(RANGE, await scratch(), log)
  await expect(ports.take('r1', fixed)).rejects.toThrow(
    `Cannot use port ${fixed}: it is in use here`,
  )
})

test('Ports says so when another replica has the fixed port', async () => {
  const fixed = await freePort()
  const ports = await Ports.load(RANGE, await scratch(), log)
  expect(await ports.take('r1', fixed)).toBe(fixed)
  await expect(ports.take('r2', fixed)).rejects.toThrow('it is in use here')
  await ports.release('r1')
  expect(await ports.take('r2', fixed)).toBe(fixed)
})

test('Ports says so when the range is exhausted, and gives released ports again', async () => {
  const first = await freePort()
  const ports = await Ports.load({ first, last: first }, await scratch(), log)
  await ports.take('r1')
  await expect(ports.take('r2')).rejects.toThrow(
    `Cannot take a port: ${first}-${first} are all in use`,
  )
  await ports.retain(new Set(['r2']))
  expect(await ports.take('r2')).toBe(first)
})

test('Ports puts a damaged file aside and goes on', async () => {
  const directory = await scratch()
  await writeFile(join(directory, 'ports.json'), '{"r1":')
  const own = new RecordedLog()
  const ports = await Ports.load(RANGE, directory, own)
  expect(own.count('damaged file put aside')).toBe(1)
  expect(await readFile(join(directory, 'ports.json.damaged'), 'utf8')).toBe('{"r1":')
  expect(await ports.take('r1')).toBeGreaterThan(0)
})
