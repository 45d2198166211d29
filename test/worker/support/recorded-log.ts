import type { Log, LogFields } from '../../../shared/log.ts'

export interface Line {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly message: string
  readonly fields: LogFields
}

/** A log whose lines a test can look at. */
export class RecordedLog implements Log {
  readonly lines: Line[] = []

  count(message: string): number {
    return this.lines.filter((line) => line.message === message).length
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields })
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields })
  }

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields })
  }
}
