import { usage } from './failure.ts'

/** Splits a command on blanks; quotes and backslashes keep them. No shell, no variables. */
export function splitCommand(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? ''
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"' && '"\\'.includes(text[at + 1] ?? ' ')) {
        at += 1
        word = (word ?? '') + text[at]
      } else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\' && at + 1 < text.length) {
      at += 1
      word = (word ?? '') + text[at]
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + char
  }
  if (quote !== '') throw usage(`Cannot read the command: a ${quote} is not closed`)
  return word === undefined ? words : [...words, word]
}
