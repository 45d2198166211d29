/**
 * How far the log was acknowledged, in a file of its own. SQLite takes a log that was cut short for
 * one that ended there; this is how we notice. Never ahead of the database, because it is written
 * after the commit; it needs no sync, because lagging behind only makes it notice less.
 */
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { checksumOf } from './checksum.ts'
import { syncDirectory } from './directory.ts'
import type { LogHead } from './messages.ts'

export type Mark = Pick<LogHead, 'epoch' | 'revision'>

/** One size for ever: it is overwritten in place and needs no space on a full disk. */
const BYTES = 64
const LINE = /^(\d{1,16}) (\d{1,16}) (\d{1,10}) *\n$/

export class Acknowledged {
  readonly #file: number

  constructor(directory: string) {
    const { O_CREAT, O_RDWR } = constants
    this.#file = openSync(pathIn(directory), O_CREAT | O_RDWR, 0o600)
  }

  record({ epoch, revision }: Mark): void {
    const line = `${epoch} ${revision} ${checksumOf(epoch, revision)}`.padEnd(BYTES - 1)
    try {
      writeSync(this.#file, `${line}\n`, 0)
    } catch {
      // The commit is durable all the same, and an older mark is still a true one.
    }
  }

  /** Once after opening, so that the file is there after a power cut. */
  sync(directory: string): void {
    fsyncSync(this.#file)
    syncDirectory(directory)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Undefined when there is none, or none that can be believed. */
export function readMark(directory: string): Mark | undefined {
  const [, epoch, revision, sum] = LINE.exec(lineIn(directory)) ?? []
  const mark = { epoch: Number(epoch), revision: Number(revision) }
  return checksumOf(mark.epoch, mark.revision) === Number(sum) ? mark : undefined
}

function lineIn(directory: string): string {
  try {
    return readFileSync(pathIn(directory), 'latin1')
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return ''
    throw error
  }
}

function pathIn(directory: string): string {
  return join(directory, 'acknowledged')
}
