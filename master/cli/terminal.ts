/** The terminal of the one who calls, lent to a command elsewhere. */
import type { ReadStream, WriteStream } from 'node:tty'
import { usage } from './failure.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Terminal {
  readonly size: Size
  onResize(listener: (size: Size) => void): void
  /** As it was before, however the call ends. */
  restore(): void
}

const COLUMNS_DEFAULT = 80
const ROWS_DEFAULT = 24

/** Every key goes to the command, Ctrl-C too. Throws a sentence where there is no terminal. */
export function lendTerminal(
  input: ReadStream = process.stdin,
  output: WriteStream = process.stdout,
): Terminal {
  if (input.isTTY !== true || output.isTTY !== true) {
    const what = input.isTTY === true ? 'the output' : 'the input'
    throw usage(`Cannot open a terminal: ${what} here is none`, 'Leave -t away.')
  }
  input.setRawMode(true)
  const listeners: (() => void)[] = []
  const size = (): Size => ({
    columns: output.columns || COLUMNS_DEFAULT,
    rows: output.rows || ROWS_DEFAULT,
  })
  return {
    size: size(),
    onResize: (listener) => {
      // Node hears SIGWINCH and looks for itself.
      const resized = (): void => listener(size())
      output.on('resize', resized)
      listeners.push(resized)
    },
    restore: () => {
      for (const listener of listeners) output.off('resize', listener)
      input.setRawMode(false)
    },
  }
}
