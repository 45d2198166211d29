import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import type { LogLevel } from '../../shared/log.ts'
import { createLog, type ProgramLog, type Stderr } from '../../shared/winston-log.ts'
import { FakeClock } from '../support/fake-clock.ts'

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

class Screen {
  text = ''
  readonly stream: Stderr

  constructor(isTTY: boolean) {
    const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
      this.text += chunk.toString('utf8')
      done()
    }
    this.stream = Object.assign(new Writable({ write }), { isTTY })
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1)
  }

  get entries(): readonly Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line))
  }
}

function logTo(screen: Screen, over: { level?: LogLevel; file?: string } = {}): ProgramLog {
  const fixed = { program: 'master', fileMaxMb: 1, fileKeep: 3, clock: new FakeClock(NOW_MS) }
  return createLog({ level: 'info', ...fixed, stderr: screen.stream, ...over })
}

async function jsonOf(fields: Record<string, unknown>): Promise<Record<string, unknown>> {
  const screen = new Screen(false)
  const { log, close } = logTo(screen)
  log.info('said', fields)
  await close()
  expect(screen.lines).toHaveLength(1)
  return screen.entries[0] ?? {}
}

test('createLog() writes one JSON line with time, level, program, message and fields', async () => {
  expect(await jsonOf({ replica: 'r1', count: 2 })).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    level: 'info',
    program: 'master',
    message: 'said',
    replica: 'r1',
    count: 2,
  })
})

test('createLog() writes words on a terminal', async () => {
  const screen = new Screen(true)
  const { log, close } = logTo(screen)
  log.warn('replica "web" lost', { node: 'n1', reason: 'no heartbeat', port: 8080, list: ['a'] })
  await close()
  expect(screen.text).toBe(
    '03:04:05.678 warn  replica "web" lost node=n1 reason="no heartbeat" port=8080 list=["a"]\n',
  )
})

const hostile = [
  'a\nfake line',
  '\u001b[2Jcleared',
  'bell\u0007',
  '\u009b31m',
  '\u202egnp',
  '\u2028',
  '\r',
  '\u007f',
]

test.each(hostile)(
  'createLog() lets the text %j neither end the line nor steer a terminal',
  async (text) => {
    for (const isTTY of [true, false]) {
      const screen = new Screen(isTTY)
      const { log, close } = logTo(screen)
      log.info(text, { [text]: text, nested: { [text]: [text] } })
      await close()
      expect(screen.text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      expect(screen.lines).toHaveLength(1)
    }
  },
)

test('createLog() keeps fields from passing for the level, message, time or program', async () => {
  const entry = await jsonOf({ level: 'error', message: 'no', time: 'then', program: 'worker' })
  expect(entry).toMatchObject({ level: 'info', message: 'said', program: 'master' })
  expect(entry).toMatchObject({ field_level: 'error', field_message: 'no', field_time: 'then' })
})

test('createLog() shows errors with their causes', async () => {
  const error = new Error('Cannot start', { cause: new Error('no image') })
  expect(await jsonOf({ error })).toMatchObject({ error: 'Cannot start: no image' })
})

test('createLog() never shows the value of a secret', async () => {
  const headers = { Authorization: 'Bearer abc', cookie: 'abc' }
  const entry = await jsonOf({ token: 'abc', password: 'abc', headers, tokens: 3 })
  expect(JSON.stringify(entry)).not.toContain('abc')
  expect(entry).toMatchObject({ token: '[redacted]', tokens: 3 })
})

test('createLog() writes the line also when the fields are beyond JSON', async () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(await jsonOf(circle)).toMatchObject({
    message: 'said',
    fieldsUnreadable: expect.any(String),
  })
  expect(
    await jsonOf({ big: 10n, nan: Number.NaN, set: new Set([1]), map: new Map([['k', 1]]) }),
  ).toMatchObject({
    ...{ big: '10', nan: 'NaN', set: [1], map: { k: 1 } },
  })
})

test('createLog() cuts values that are too long', async () => {
  const { text } = await jsonOf({ text: 'x'.repeat(1_000_000) })
  expect(String(text)).toMatch(/^x{8192}… \(991808 more\)$/)
})

test('setLevel() takes effect on the next line', async () => {
  const screen = new Screen(false)
  const { log, setLevel, close } = logTo(screen)
  log.debug('one')
  setLevel('debug')
  log.debug('two')
  setLevel('error')
  log.warn('three')
  log.error('four')
  await close()
  expect(screen.entries.map(({ message }) => message)).toEqual(['two', 'four'])
})

test('createLog() writes JSON to the file too and loses none of a burst at its end', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrify-log-'))
  try {
    const screen = new Screen(true)
    const { log, close, linesLost } = logTo(screen, { file: join(dir, 'x.log') })
    for (let at = 0; at < 5_000; at += 1) log.info('line', { at })
    await close()
    const lines = readFileSync(join(dir, 'x.log'), 'utf8').split('\n').slice(0, -1)
    expect(lines.map((line) => JSON.parse(line).at)).toEqual([...Array(5_000).keys()])
    expect(screen.lines).toHaveLength(5_000)
    expect(linesLost()).toBe(0)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('createLog() survives a file that cannot be written and says so once on stderr', async () => {
  const screen = new Screen(false)
  const { log, close, linesLost } = logTo(screen, { file: '/dev/null/x.log' })
  log.info('one')
  log.info('two')
  await close()
  expect(linesLost()).toBe(2)
  const complaints = screen.lines.filter((line) => line.startsWith('Cannot write /dev/null/x.log'))
  expect(complaints).toHaveLength(1)
})

test('createLog() survives that stderr breaks', async () => {
  const screen = new Screen(false)
  const { log, close } = logTo(screen)
  screen.stream.destroy(new Error('EPIPE'))
  log.error('nobody reads this')
  await close()
})

test('close() may come twice, and lines after it still reach stderr', async () => {
  const screen = new Screen(false)
  const { log, close } = logTo(screen)
  await Promise.all([close(), close()])
  log.error('late')
  expect(screen.entries).toMatchObject([{ message: 'late' }])
})
