import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../shared/clock.ts'
import type { LogLine } from '../../../../shared/stream-protocol.ts'
import type { LogsAsked } from '../../../../worker/drivers/driver.ts'
import { boundOutput } from '../../../../worker/drivers/process/output.ts'
import { readLogs } from '../../../../worker/drivers/process/process-logs.ts'
import { until } from '../../../support/until.ts'
import { scratch } from '../../support/scratch.ts'

const ALL: LogsAsked = { follow: false }
const BOUND = 1_000

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await scratch()
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

async function all(directory: string, asked: LogsAsked = ALL): Promise<string[]> {
  const parts = { folder: directory, clock: systemClock, isOver: async () => true }
  const lines: string[] = []
  for await (const line of readLogs(parts, asked, new AbortController().signal)) {
    lines.push(`${line.stream[3]}:${line.text}`)
  }
  return lines
}

/** What is told while it goes on. */
function following(directory: string, tail?: number) {
  const stop = new AbortController()
  let isOver = false
  const parts = { folder: directory, clock: systemClock, isOver: async () => isOver }
  const lines: LogLine[] = []
  const asked = { follow: true, ...(tail === undefined ? {} : { tail }) }
  const ended = (async () => {
    for await (const line of readLogs(parts, asked, stop.signal)) lines.push(line)
  })()
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  const end = (): Promise<void> => {
    isOver = true
    return ended
  }
  return { texts: () => lines.map(({ text }) => text), end, stop: () => stop.abort(), ended }
}

describe('readLogs() tells', () => {
  test('both outputs, each in its order, the part that was moved aside first', async () => {
    const directory = await folder({
      'stdout.log.1': 'one\ntwo\n',
      'stdout.log': 'three\nfour',
      'stderr.log': 'oops\r\n',
    })
    expect(await all(directory)).toEqual(['o:one', 'o:two', 'o:three', 'o:four', 'e:oops'])
  })

  test('nothing where nothing was printed', async () => {
    expect(await all(await folder({}))).toEqual([])
  })

  const tails = [
    { tail: 0, lines: [] },
    { tail: 1, lines: ['o:d'] },
    { tail: 3, lines: ['o:b', 'o:c', 'o:d'] },
    { tail: 4, lines: ['o:a', 'o:b', 'o:c', 'o:d'] },
    { tail: 9, lines: ['o:a', 'o:b', 'o:c', 'o:d'] },
  ]
  test.each(tails)('only the last $tail lines when asked', async ({ tail, lines }) => {
    const parts = { 'stdout.log.1': 'a\nb\n', 'stdout.log': 'c\nd\n' }
    expect(await all(await folder(parts), { follow: false, tail })).toEqual(lines)
    const unended = { 'stdout.log.1': 'a\nb\n', 'stdout.log': 'c\nd' }
    expect(await all(await folder(unended), { follow: false, tail })).toEqual(lines)
  })

  test('the last lines of a long file, wherever its blocks end', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at} ${'é'.repeat(at % 40)}`)
    const directory = await folder({ 'stdout.log': `${lines.join('\n')}\n` })
    const last = await all(directory, { follow: false, tail: 15_000 })
    expect(last).toEqual(lines.slice(-15_000).map((line) => `o:${line}`))
    expect(await all(directory)).toEqual(lines.map((line) => `o:${line}`))
  })

  test('nothing of a file that was not written to since', async () => {
    const directory = await folder({ 'stdout.log': 'old\n' })
    const nowMs = systemClock.nowMs()
    expect(await all(directory, { follow: false, sinceMs: nowMs + 60_000 })).toEqual([])
    expect(await all(directory, { follow: false, sinceMs: nowMs - 60_000 })).toEqual(['o:old'])
  })

  test('a line without end in pieces, and bytes that are no text as something', async () => {
    const directory = await folder({ 'stdout.log': 'x'.repeat(40_000) })
    await writeFile(join(directory, 'stderr.log'), Buffer.of(0xff, 0xfe, 10))
    const lines = await all(directory)
    expect(lines.map((line) => line.length - 2)).toEqual([16_384, 16_384, 7_232, 2])
  })
})

describe('readLogs() follows', () => {
  test('what is printed, a line once it is whole, until the replica is over', async () => {
    const directory = await folder({ 'stdout.log': 'first\n' })
    const { texts, end } = following(directory)
    await until(() => texts().length === 1)
    await appendFile(join(directory, 'stdout.log'), 'half')
    await appendFile(join(directory, 'stderr.log'), 'other\n')
    await until(() => texts().includes('other'))
    expect(texts()).toEqual(['first', 'other'])
    await appendFile(join(directory, 'stdout.log'), ' and half\nrest')
    await end()
    expect(texts()).toEqual(['first', 'other', 'half and half', 'rest'])
  })

  test('across the moments at which the file is moved aside', async () => {
    const directory = await folder({})
    await mkdir(directory, { recursive: true })
    const { texts, end } = following(directory, 0)
    const wanted: string[] = []
    for (let round = 0; round < 4; round += 1) {
      for (let at = 0; at < 30; at += 1) {
        const line = `round ${round}, line ${at}, ${'.'.repeat(20)}`
        wanted.push(line)
        await appendFile(join(directory, 'stdout.log'), `${line}\n`)
      }
      await boundOutput(directory, BOUND)
      wanted.push(`round ${round} is over`)
      await appendFile(join(directory, 'stdout.log'), `${wanted.at(-1)}\n`)
      await until(() => texts().length === wanted.length)
    }
    await end()
    expect(texts()).toEqual(wanted)
  })

  test('also what was printed but not read yet as the file was moved aside', async () => {
    const directory = await folder({ 'stdout.log': `${'a'.repeat(900)}\n` })
    const { texts, end } = following(directory)
    await until(() => texts().length === 1)
    await appendFile(join(directory, 'stdout.log'), `${'b'.repeat(300)}\n`)
    await boundOutput(directory, BOUND)
    await appendFile(join(directory, 'stdout.log'), 'after\n')
    await until(() => texts().includes('after'))
    await end()
    expect(texts().map((text) => `${text[0]}${text.length}`)).toEqual(['a900', 'b300', 'a5'])
  })

  test('a file that was emptied because it was far too large', async () => {
    const directory = await folder({})
    const { texts, end } = following(directory)
    await appendFile(join(directory, 'stdout.log'), `${'x'.repeat(3 * BOUND)}\n`)
    await until(() => texts().length === 1)
    await boundOutput(directory, BOUND)
    await appendFile(join(directory, 'stdout.log'), 'after\n')
    await until(() => texts().length === 2)
    await end()
    expect(texts()[1]).toBe('after')
  })

  test('no longer than somebody wants it', async () => {
    const { stop, ended } = following(await folder({}))
    stop()
    await ended
  })
})
