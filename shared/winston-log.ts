/** The log of a program: to stderr and, when asked for, to a file that rotates. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import winston from 'winston'
import { type Clock, systemClock } from './clock.ts'
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
  readonly stderr?: Stderr
  readonly clock?: Clock
}

export type Stderr = Writable & { readonly isTTY?: boolean }

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
  // Nobody is left to be told when stderr itself is gone; the program must outlive its terminal.
  stderr.on('error', () => undefined)
  const file = openLogFile(options, stderr, clock)
  const sink = createSink(stderr, file)
  let level = options.level
  const write = (of: LogLevel, message: string, fields: LogFields = {}): void => {
    // Winston formats lines of disabled levels too, which costs more than the rest of the call.
    if (RANKS[of] > RANKS[level]) return
    const time = new Date(clock.nowMs()).toISOString()
    sink.write({ time, level: of, program, message, fields })
  }
  return {
    log: logOf(write),
    setLevel: (next) => {
      level = next
    },
    linesLost: () => file?.linesLost ?? 0,
    close: () => sink.close(clock),
  }
}

function logOf(write: (level: LogLevel, message: string, fields?: LogFields) => void): Log {
  return {
    error: (message, fields) => write('error', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    info: (message, fields) => write('info', message, fields),
    debug: (message, fields) => write('debug', message, fields),
  }
}

function openLogFile(options: LogOptions, stderr: Stderr, clock: Clock): LogFile | undefined {
  if (options.file === undefined) return undefined
  return new LogFile({
    path: options.file,
    sizeMaxBytes: options.fileMaxMb * 1_000_000,
    filesKept: options.fileKeep,
    clock,
    report: (sentence) => stderr.write(`${sentence}\n`),
  })
}

interface Sink {
  write(entry: LogEntry): void
  close(clock: Clock): Promise<void>
}

function createSink(stderr: Stderr, file: LogFile | undefined): Sink {
  const stderrLine = stderr.isTTY === true ? terminalLine : jsonLine
  const transports = [stream(stderr, stderrLine)]
  if (file !== undefined) transports.push(stream(file.stream, jsonLine))
  const asIs = winston.format((info) => info)()
  const logger = winston.createLogger({
    levels: { ...RANKS },
    level: 'debug',
    format: asIs,
    transports,
  })
  const finish = async (): Promise<void> => {
    const delivered = transports.map((transport) => once(transport, 'finish'))
    logger.end()
    await Promise.all(delivered)
    if (file !== undefined) await finished(file.stream.end())
  }
  let closing: Promise<void> | undefined
  return {
    write: (entry) => {
      if (closing !== undefined) stderr.write(`${stderrLine(entry)}\n`)
      else logger.log({ level: entry.level, message: entry.message, entry })
    },
    close: (clock) => {
      closing ??= atMost(finish(), clock)
      return closing
    },
  }
}

/** A disk that hangs must not keep the program from ending. */
async function atMost(work: Promise<void>, clock: Clock): Promise<void> {
  const done = new AbortController()
  const late = clock.sleep(CLOSE_MAX_MS, done.signal)
  await Promise.race([work, late]).finally(() => done.abort())
}

function stream(to: Writable, line: (entry: LogEntry) => string): winston.transport {
  const format = winston.format.printf((info) => line(info.entry as LogEntry))
  return new winston.transports.Stream({ stream: to, format, eol: '\n' })
}
