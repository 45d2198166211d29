/** What every program lets be set about its log. */
import type { ConfigOf } from './config.ts'
import { choice, number, text } from './knob.ts'
import { createLog, type ProgramLog } from './winston-log.ts'

export const logKnobs = {
  logLevel: choice(['error', 'warn', 'info', 'debug'], {
    flag: 'log-level',
    env: 'LOG_LEVEL',
    fallback: 'info',
    meaning: 'The least serious lines that are written.',
  }),
  logFile: text<undefined>({
    flag: 'log-file',
    fallback: undefined,
    meaning: 'Also write the log to this file; it rotates hourly and by size.',
  }),
  logFileMb: number(
    { min: 1, max: 10_000, unit: 'MB' },
    { flag: 'log-file-size', fallback: 20, meaning: 'Begin a new log file after so much.' },
  ),
  logFilesKept: number(
    { min: 1, max: 1_000, unit: 'files' },
    { flag: 'log-file-keep', fallback: 24, meaning: 'Keep so many log files.' },
  ),
}

export function openLog(program: string, config: ConfigOf<typeof logKnobs>): ProgramLog {
  const { logLevel, logFile, logFileMb, logFilesKept } = config
  return createLog({
    program,
    level: logLevel,
    file: logFile,
    fileMaxMb: logFileMb,
    fileKeep: logFilesKept,
  })
}
