import { expect, test } from 'vitest'
import { logLinesOf, merged } from '../../../master/cli/log-lines.ts'
import type { LogLineView } from '../../../shared/api.ts'

const NEVER = new AbortController().signal

function line(replica: string, text: string, atMs?: number): LogLineView {
  return { replica, stream: 'stdout', text, ...(atMs === undefined ? {} : { atMs }) }
}

async function* source(...lines: readonly LogLineView[]): AsyncGenerator<LogLineView> {
  yield* lines
}

const orders = [
  {
    what: 'by their times',
    lines: [
      [1, 4, 5],
      [2, 3, 6],
    ],
    order: '1 2 3 4 5 6',
  },
  { what: 'one after the other without times', lines: [[0, 0], [0]], order: '0 0 0' },
  { what: 'with whoever has nothing', lines: [[], [1, 2]], order: '1 2' },
  { what: 'of nobody', lines: [], order: '' },
]

test.each(orders)('merged() puts lines in order $what', async ({ lines, order }) => {
  const sources = lines.map((times, at) =>
    source(...times.map((atMs) => line(String(at), String(atMs), atMs === 0 ? undefined : atMs))),
  )
  const seen: string[] = []
  for await (const { text } of merged(sources)) seen.push(text)
  expect(seen.join(' ')).toBe(order)
})

test('merged() keeps a line without a time behind the one before it', async () => {
  const first = source(line('a', 'a5', 5), line('a', 'a-more'), line('a', 'a9', 9))
  const second = source(line('b', 'b6', 6), line('b', 'b7', 7))
  const seen: string[] = []
  for await (const { text } of merged([first, second])) seen.push(text)
  expect(seen).toEqual(['a5', 'a-more', 'b6', 'b7', 'a9'])
})

function answering(...lines: readonly string[]) {
  const paths: string[] = []
  async function* answer(path: string): AsyncGenerator<string> {
    paths.push(path)
    yield* lines
  }
  return { paths, lines: answer }
}

test('logLinesOf() asks for what is wanted and reads what comes', async () => {
  const api = answering('{"replica":"r1","stream":"stderr","atMs":5,"text":"x","more":1}')
  const query = { follow: true, tail: 0, sinceMs: 7.5 }
  const seen: LogLineView[] = []
  for await (const one of logLinesOf(api, 'r/1', query, NEVER)) seen.push(one)
  expect(seen).toEqual([{ replica: 'r1', stream: 'stderr', atMs: 5, text: 'x' }])
  expect(api.paths).toEqual(['/v1/replicas/r%2F1/logs?follow=true&tail=0&since=7.5'])
})

test.each([
  ['{"error":{"code":"LOST","message":"Cannot go on: w1 is gone"}}', 'Cannot go on: w1 is gone'],
  ['nonsense', 'a line is no JSON'],
  ['{}', 'a line is no JSON'],
])('logLinesOf() rejects at the line %s', async (text, says) => {
  const reading = logLinesOf(answering(text), 'r1', { follow: false }, NEVER).next()
  await expect(reading).rejects.toThrow(says)
})
