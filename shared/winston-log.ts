/** The log of a program: to stderr and, when asked for, to a file that rotates. */
import type { Writable } from 'node:stream'
import winston from 'winston'
import { type Clock, systemClock } from './clock.ts'
import { sentenceOf } from './errors.ts'
import type { Log, LogFields, LogLevel } from './log.ts'
import { LogFile } from './log-file.ts'
import { jsonLine, type LogEntry, terminalLine } from './log-line.ts'

export interface LogOptions {
  readonly program: string
  readonly level: LogLevel
  readonly file?: string | undefined
  readonly fileMaxMb: number
  readonly fileKeep: number
  /** Where lines go instead of the process's stderr; a terminal gets words instead of JSON. */
  readonly stderr?: Writable & { readonly isTTY?: boolean }
  readonly clock?: Clock
}

export interface ProgramLog {
  readonly log: Log
  setLevel(level: LogLevel): void
  /** Lines that the log file could not take. */
  linesLost(): number
  /** Resolves when every line is written, or cannot be. */
  close(): Promise<void>
}

const CLOSE_MAX_MS = 5_000
const RANKS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

export function createLog(options: LogOptions): ProgramLog {
  const { program, clock = systemClock, stderr = process.stderr } = options
  let level = options.level
  // Nobody is left to be told when stderr itself is gone; the program must outlive its terminal.
  stderr.on('error', ignore)
  const file = options.file === undefined ? undefined : logFile(options.file, options)
  const logger = createLogger(stderr, file)
  const write = (lineLevel: LogLevel, message: string, fields: LogFields = {}): void => {
    // Winston formats lines of disabled levels too, which costs more than the rest of the call.
    if (RANKS[lineLevel] > RANKS[level]) return
    const time = new Date(clock.nowMs()).toISOString()
    logger.log({ level: lineLevel, message, entry: { time, level: lineLevel, program, message, fields } })
  }
  return {
    log: {
      error: (message, fields) => write('error', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      info: (message, fields) => write('info', message, fields),
      debug: (message, fields) => write('debug', message, fields),
    },
    setLevel: (next) => {
      level = next
    },
    linesLost: () => file?.linesLost ?? 0,
    close: () => close(logger, file, clock),
  }
}

function ignore(): void {}
