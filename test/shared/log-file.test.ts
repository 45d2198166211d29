import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LogFile } from '../../shared/log-file.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000

let dir: string
let path: string
let reported: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-log-'))
  path = join(dir, 'name.log')
  reported = []
})

afterEach(() => rmSync(dir, { recursive: true }))

function logFile(
  over: { path?: string; sizeMaxBytes?: number; filesKept?: number; clock?: FakeClock } = {},
) {
  const report = (sentence: string): void => void reported.push(sentence)
  const clock = new FakeClock(Date.now())
  return new LogFile({ path, sizeMaxBytes: 1_000_000, filesKept: 5, clock, report, ...over })
}

async function write(file: LogFile, lines: readonly string[]): Promise<void> {
  for (const line of lines) file.stream.write(`${line}\n`)
  await finished(file.stream.end())
}

function linesIn(...names: string[]): string[] {
  return names.flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1))
}

test('LogFile loses no line of a burst that rotates by size many times', async () => {
  const lines = Array.from({ length: 60_000 }, (_, at) => `line ${at} ${'x'.repeat(at % 50)}`)
  const file = logFile({ sizeMaxBytes: 200_000, filesKept: 1_000 })
  await write(file, lines)
  const numbers = readdirSync(dir).map((name) => Number(name.split('.')[2] ?? 0))
  const names = numbers.sort((a, b) => b - a).map((n) => (n === 0 ? 'name.log' : `name.log.${n}`))
  expect(names.length).toBeGreaterThan(5)
  expect(linesIn(...names)).toEqual(lines)
  expect(names.every((name) => readFileSync(join(dir, name)).length <= 200_000)).toBe(true)
  expect(file.linesLost).toBe(0)
})

test('LogFile keeps so many files in all and drops the oldest', async () => {
  await write(
    logFile({ sizeMaxBytes: 8, filesKept: 3 }),
    ['a', 'b', 'c', 'd', 'e'].map((c) => c.repeat(5)),
  )
  expect(readdirSync(dir).sort()).toEqual(['name.log', 'name.log.1', 'name.log.2'])
  expect(linesIn('name.log.2', 'name.log.1', 'name.log')).toEqual(['ccccc', 'ddddd', 'eeeee'])
})

test('LogFile keeps only the current file when one is to be kept', async () => {
  await write(logFile({ sizeMaxBytes: 4, filesKept: 1 }), ['one', 'two'])
  expect(readdirSync(dir)).toEqual(['name.log'])
  expect(linesIn('name.log')).toEqual(['two'])
})

test('LogFile writes a line that is longer than a whole file', async () => {
  await write(logFile({ sizeMaxBytes: 10 }), ['x'.repeat(100), 'short'])
  expect(linesIn('name.log.1', 'name.log')).toEqual(['x'.repeat(100), 'short'])
})

test('LogFile begins a new file with the first line of a new hour', async () => {
  const clock = new FakeClock(Date.now())
  const file = logFile({ clock })
  file.stream.write('first\n')
  await until(() => linesIn('name.log').length === 1)
  await clock.advance(HOUR_MS)
  await write(file, ['second'])
  expect(linesIn('name.log.1')).toEqual(['first'])
  expect(linesIn('name.log')).toEqual(['second'])
})

test('LogFile rotates what an earlier life of the program wrote an hour ago', async () => {
  writeFileSync(path, 'old\n')
  utimesSync(path, new Date(Date.now() - HOUR_MS), new Date(Date.now() - HOUR_MS))
  await write(logFile(), ['new'])
  expect(linesIn('name.log.1', 'name.log')).toEqual(['old', 'new'])
})

test('LogFile goes on below a line that a crash cut', async () => {
  writeFileSync(path, 'whole\ncu')
  await write(logFile(), ['next'])
  expect(linesIn('name.log')).toEqual(['whole', 'cu', 'next'])
})

test('LogFile makes the missing directory', async () => {
  path = join(dir, 'deep/er/name.log')
  await write(logFile(), ['line'])
  expect(linesIn('deep/er/name.log')).toEqual(['line'])
})

test('LogFile goes on with a new file when somebody moved it away', async () => {
  const file = logFile()
  file.stream.write('one\n')
  await until(() => linesIn('name.log').length === 1)
  rmSync(path)
  await write(file, ['two'])
  expect(linesIn('name.log')).toEqual(['two'])
})

const obstacles = [
  { error: 'ENOSPC', make: () => symlinkSync('/dev/full', path) },
  { error: 'EISDIR', make: () => mkdirSync(path) },
] as const

test.each(obstacles)(
  'LogFile counts what it loses by $error, says so once, and recovers',
  async ({ error, make }) => {
    make()
    const file = logFile()
    for (const lost of [1, 2, 3]) {
      file.stream.write('gone\n')
      await until(() => file.linesLost === lost)
    }
    expect(reported).toEqual([expect.stringContaining(`Cannot write ${path}: ${error}`)])
    rmSync(path, { recursive: true })
    await write(file, ['kept'])
    expect(linesIn('name.log')).toEqual(['kept'])
    expect(reported).toHaveLength(2)
    expect(reported[1]).toBe(`${path} is written again; 3 lines are missing`)
  },
)

test('LogFile drops and counts the lines that wait in excess of 64 MiB', async () => {
  const file = logFile({ path: '/dev/null', sizeMaxBytes: 1_000_000_000 })
  await write(file, Array(70).fill('x'.repeat(1024 * 1024 - 1)))
  expect(file.linesLost).toBe(6)
  expect(reported[0]).toBe('Cannot write /dev/null: lines come faster than they can be written')
})
