import { usage } from './failure.ts'

/** Blanks, 'as it stands', "with \" and \\", \x, or plain characters. */
const PIECE = /\s+|'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\\[\s\S]|[^\s'"\\]+|\\$/gy

/** Splits a command on blanks; quotes and backslashes keep them. No shell, no variables. */
export function splitCommand(text: string): readonly string[] {
  const words: string[] = []
  let isInWord = false
  let end = 0
  for (const [piece] of text.matchAll(PIECE)) {
    end += piece.length
    const isBlank = piece.trim() === '' && !piece.startsWith('\\')
    if (!isBlank && !isInWord) words.push('')
    if (!isBlank) words.push((words.pop() ?? '') + meant(piece))
    isInWord = !isBlank
  }
  if (end === text.length) return words
  throw usage(`Cannot read the command: a ${text[end]} is not closed`)
}

function meant(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1)
  if (piece.startsWith('"')) return piece.slice(1, -1).replace(/\\(["\\])/g, '$1')
  return piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece
}
