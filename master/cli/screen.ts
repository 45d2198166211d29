/** Where a command writes: plain lines, or a picture that is drawn anew on a terminal. */
export interface Screen {
  readonly isTerminal: boolean
  print(line: string): void
  complain(line: string): void
  /** Replaces what was drawn before. Only on a terminal; elsewhere it prints. */
  draw(lines: readonly string[]): void
  paint(tone: Tone, text: string): string
}

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold'

const CODES: Readonly<Record<Tone, string>> = {
  good: '32',
  bad: '31',
  warn: '33',
  dim: '2',
  bold: '1',
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

export interface Outputs {
  readonly out: Output
  readonly err: Output
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function createScreen({ out, err, environment }: Outputs): Screen {
  const isTerminal = out.isTTY === true && environment.TERM !== 'dumb'
  const coloured = isTerminal && (environment.NO_COLOR ?? '') === ''
  let drawn = 0
  return {
    isTerminal,
    print: (line) => out.write(`${line}\n`),
    complain: (line) => err.write(`${line}\n`),
    draw: (lines) => {
      const shown = isTerminal ? lines.slice(0, Math.max(1, (out.rows ?? 24) - 1)) : lines
      const up = isTerminal && drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : ''
      out.write(`${up}${shown.map((line) => `${cut(line, out, isTerminal)}\n`).join('')}`)
      drawn = shown.length
    },
    paint: (tone, text) => (coloured ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text),
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: The colour codes begin with one.
const COLOUR = /(\u001b\[\d+m)/

/** A line that wraps would make the next redraw miscount. */
function cut(line: string, { columns }: Output, isTerminal: boolean): string {
  let left = isTerminal ? (columns ?? 80) - 1 : Number.POSITIVE_INFINITY
  return line
    .split(COLOUR)
    .map((part, at) => {
      if (at % 2 === 1) return part
      const kept = [...part].slice(0, left).join('')
      left -= [...kept].length
      return kept
    })
    .join('')
}
