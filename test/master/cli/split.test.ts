import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitCommand } from '../../../master/cli/split.ts'

const cases = [
  { text: '', words: [] },
  { text: '  ', words: [] },
  { text: 'node server.js', words: ['node', 'server.js'] },
  { text: ' node \t server.js ', words: ['node', 'server.js'] },
  { text: `sh -c 'echo "a b"'`, words: ['sh', '-c', 'echo "a b"'] },
  { text: '"a b" c', words: ['a b', 'c'] },
  { text: `a"b c"d'e f'`, words: ['ab cde f'] },
  { text: `'' ""`, words: ['', ''] },
  { text: 'a\\ b', words: ['a b'] },
  { text: '"say \\"hi\\" \\n"', words: ['say "hi" \\n'] },
  { text: '$(rm) `x` ; | &', words: ['$(rm)', '`x`', ';', '|', '&'] },
  { text: 'a\\', words: ['a\\'] },
] as const

test.each(cases)('splitCommand() reads <$text> as a command without a shell', ({ text, words }) => {
  expect(splitCommand(text)).toEqual(words)
})

test.each(["'a", '"a', 'a "b', `"a\\"`])(
  'splitCommand() refuses the open quote in <%s>',
  (text) => {
    expect(() => splitCommand(text)).toThrow('is not closed')
  },
)

test('splitCommand() gives back every word that was quoted', () => {
  const quoted = (word: string): string => `'${word.replaceAll("'", `'"'"'`)}'`
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      expect(splitCommand(words.map(quoted).join(' '))).toEqual(words)
    }),
  )
})
