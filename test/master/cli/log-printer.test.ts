import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { LogPrinter, type LogStyle } from '../../../master/cli/log-printer.ts'
import type { LogLineView } from '../../../shared/api.ts'

const NEVER = new AbortController().signal
const PLAIN: LogStyle = { json: false, timestamps: false, prefix: true }
const screen = { paint: (tone: string, text: string): string => `<${tone}>${text}` }

class Sink extends EventEmitter {
  text = ''
  takes = true
  isTTY = false
  write(text: string): boolean {
    this.text += text
    return this.takes
  }
}

const LINE: LogLineView = { replica: '12345678-9', stream: 'stdout', text: 'hello' }
const AT = { atMs: Date.UTC(2030, 0, 2, 3, 4, 5, 678) }
const ESC = '\u001b'

const cases: readonly { style: Partial<LogStyle>; line?: object; tty?: boolean; shown: string }[] =
  [
    { style: {}, shown: '<good>12345678  hello' },
    { style: { prefix: false }, shown: 'hello' },
    {
      style: { timestamps: true },
      line: AT,
      shown: '<good>12345678  2030-01-02T03:04:05.678Z  hello',
    },
    { style: { timestamps: true, prefix: false }, shown: '- hello' },
    { style: { json: true }, line: AT, shown: JSON.stringify({ ...LINE, ...AT }) },
    { style: {}, line: { text: `${ESC}[2Jx` }, shown: `<good>12345678  ${ESC}[2Jx` },
    {
      style: {},
      line: { text: `${ESC}[31mred${ESC}[0m ${ESC}[2J\ta\u0007` },
      tty: true,
      shown: `<good>12345678  ${ESC}[31mred${ESC}[0m ?[2J\ta?`,
    },
  ]

test.each(cases)('print() shows $shown', async ({ style, line, tty, shown }) => {
  const sink = new Sink()
  sink.isTTY = tty ?? false
  const printer = new LogPrinter(sink, screen, { ...PLAIN, ...style })
  await printer.print({ ...LINE, ...line }, NEVER)
  expect(sink.text).toBe(`${shown}\n`)
})

test('print() gives each replica its colour, and as much of its id as tells it apart', async () => {
  const sink = new Sink()
  const printer = new LogPrinter(sink, screen, PLAIN)
  for (const replica of ['12345678-a', '87654321-b', '12345678-c']) {
    await printer.print({ ...LINE, replica }, NEVER)
  }
  expect(sink.text).toBe('<good>12345678  hello\n<warn>87654321  hello\n<bold>12345678-c  hello\n')
})

test.each(['drain', 'close', 'abort'])('print() waits for the reader until %s', async (event) => {
  const sink = new Sink()
  sink.takes = false
  const leaving = new AbortController()
  const printed = new LogPrinter(sink, screen, PLAIN).print(LINE, leaving.signal)
  let isDone = false
  void printed.then(() => {
    isDone = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)
  if (event === 'abort') leaving.abort()
  else sink.emit(event)
  await printed
  expect([sink.listenerCount('drain'), sink.listenerCount('close')]).toEqual([0, 0])
})
