import type { Screen, Tone } from './screen.ts'

export interface Column<T> {
  readonly title: string
  readonly right?: boolean
  of(row: T): string
  tone?(row: T): Tone | undefined
}

/** Aligned lines, a heading first; what a cell may not contain is shown as `?`. */
export function table<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  screen: Pick<Screen, 'paint'>,
): readonly string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.of(row))))
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((line) => [...(line[at] ?? '')].length)),
  )
  const pad = (text: string, at: number): string => {
    const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - [...text].length))
    return columns[at]?.right === true ? `${blanks}${text}` : `${text}${blanks}`
  }
  const heading = columns.map((column, at) => screen.paint('dim', pad(column.title, at)))
  const lines = rows.map((row, line) =>
    columns.map((column, at) => {
      const text = pad(cells[line]?.[at] ?? '', at)
      const tone = column.tone?.(row)
      return tone === undefined ? text : screen.paint(tone, text)
    }),
  )
  return [heading, ...lines].map((line) => line.join('  ').trimEnd())
}

/** Two columns without a heading: what it is, and what it says. Empty ones are left out. */
export function facts(rows: readonly (readonly [string, string | undefined])[]): readonly string[] {
  const known = rows.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}`)
}

/** Text from elsewhere must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
