import { expect, test } from 'vitest'
import { shortId } from '../../../master/cli/ids.ts'
import { createScreen } from '../../../master/cli/screen.ts'
import { closest } from '../../../master/cli/suggest.ts'
import { facts, table } from '../../../master/cli/table.ts'

const plain = { paint: (_: string, text: string): string => text }

test('table() aligns words left and numbers right', () => {
  const rows = [
    { name: 'a', count: '7' },
    { name: 'longer', count: '1200' },
  ]
  const columns = [
    { title: 'NAME', of: (row: { name: string }) => row.name },
    { title: 'N', right: true, of: (row: { count: string }) => row.count },
  ]
  expect(table<{ name: string; count: string }>(columns, rows, plain)).toEqual([
    'NAME       N',
    'a          7',
    'longer  1200',
  ])
})

test('table() shows no control character: it could steer the terminal', () => {
  const rows = ['a\u001b[2Jb\nc\u009b']
  expect(table([{ title: 'X', of: (row: string) => row }], rows, plain)[1]).toBe('a?[2Jb?c?')
})

test('facts() leaves out what is not known', () => {
  const rows = [['id', 'x'] as const, ['image', undefined] as const, ['state', 'serving'] as const]
  expect(facts(rows)).toEqual(['id     x', 'state  serving'])
})

test('shortId() takes 8 characters, and more only to tell ids apart', () => {
  expect(shortId('12345678-aaaa')).toBe('12345678')
  expect(shortId('12345678-aaaa', ['12345678-aaaa', '12345678-abbb'])).toBe('12345678-aa')
  expect(shortId('abc', ['abcdef'])).toBe('abc')
})

test.each([
  { given: 'serivces', found: 'services' },
  { given: 'node', found: 'nodes' },
  { given: 'xyzzy', found: undefined },
])('closest() takes "$given" for $found', ({ given, found }) => {
  expect(closest(given, ['services', 'nodes', 'up'])).toBe(found)
})

function screenOn(terminal: boolean, environment = {}) {
  const written: string[] = []
  const out = { isTTY: terminal, columns: 12, rows: 4, write: (text: string) => written.push(text) }
  return { written, screen: createScreen({ out, err: out, environment }) }
}

test('paint() colours on a terminal only, and not with NO_COLOR', () => {
  expect(screenOn(true).screen.paint('bad', 'x')).toBe('\u001b[31mx\u001b[0m')
  expect(screenOn(true, { NO_COLOR: '1' }).screen.paint('bad', 'x')).toBe('x')
  expect(screenOn(false).screen.paint('bad', 'x')).toBe('x')
})

test('draw() replaces what it drew before, and no line wraps', () => {
  const { written, screen } = screenOn(true)
  screen.draw(['one', screen.paint('bad', 'a line that is too long')])
  screen.draw(['two'])
  expect(written).toEqual(['one\n\u001b[31ma line that\u001b[0m\n', '\u001b[2A\u001b[0Jtwo\n'])
})

test('draw() draws no more lines than the terminal has', () => {
  const { written, screen } = screenOn(true)
  screen.draw(['1', '2', '3', '4', '5'])
  expect(written).toEqual(['1\n2\n3\n'])
})
