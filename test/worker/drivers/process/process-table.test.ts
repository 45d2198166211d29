import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import {
  findFounder,
  identify,
  isAlive,
  listProcesses,
  pageBytes,
  parseProcessRow,
  readProcess,
} from '../../../../worker/drivers/process/process-table.ts'

const NASTY =
  '4711 (a) S (b 1 2) Z 1 4700 4699 0 -1 4194304 1 2 3 4 150 25 0 0 20 0 1 0 98765 1000 321 99'

test('parseProcessRow() is not fooled by blanks and parentheses in the name', () => {
  expect(parseProcessRow(NASTY)).toEqual({
    pid: 4711,
    group: 4700,
    session: 4699,
    startedTicks: 98_765,
    cpuTicks: 175,
    memoryPages: 321,
    ended: true,
  })
})

test.each(['', 'nonsense', '12 (x) S'])('parseProcessRow() refuses "%s"', (text) => {
  expect(parseProcessRow(text)).toBeUndefined()
})

test('identify() names this process, and listProcesses() holds it', async () => {
  const self = await identify(process.pid)
  expect(self?.pid).toBe(process.pid)
  expect((await listProcesses()).map(({ pid }) => pid)).toContain(process.pid)
})

test('isAlive() takes a number that was given again for another process', async () => {
  const self = await identify(process.pid)
  if (self === undefined) throw new Error('this process is not in the table')
  expect(await isAlive(self)).toBe(true)
  expect(await isAlive({ ...self, startedTicks: self.startedTicks - 1 })).toBe(false)
  expect(await isAlive({ ...self, bootId: 'an earlier boot' })).toBe(false)
})

test('isAlive() says no once the process has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  const identity = await identify(child.pid ?? 0)
  if (identity === undefined) throw new Error('the child did not start')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await isAlive(identity)).toBe(false)
  expect(await readProcess(identity.pid)).toBeUndefined()
})

test('findFounder() finds nobody by a mark that nobody carries', async () => {
  expect(await findFounder('/nowhere', 'ORCHESTRIFY_REPLICA=none')).toBeUndefined()
})

test('pageBytes() is a power of two of a usual size', async () => {
  expect([4_096, 16_384, 65_536]).toContain(await pageBytes())
})
