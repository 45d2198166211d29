/** A replica writes its output straight into files, so that it outlives the worker. */
import { copyFile, open, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from './errno.ts'

/** Each file is moved aside at this size, and one older part is kept. */
export const OUTPUT_BYTES_MAX = 10_000_000

const FILES = ['stdout.log', 'stderr.log']

export interface Output {
  readonly stdout: number
  readonly stderr: number
  close(): Promise<void>
}

/** Opened for appending: after a truncation the writer goes on at the start, not at its old place. */
export async function openOutput(folder: string): Promise<Output> {
  const stdout = await open(join(folder, 'stdout.log'), 'a', 0o600)
  const stderr = await open(join(folder, 'stderr.log'), 'a', 0o600)
  const close = async (): Promise<void> => {
    await stdout.close()
    await stderr.close()
  }
  return { stdout: stdout.fd, stderr: stderr.fd, close }
}

/** What is written between the copy and the truncation is lost: nobody else holds the file. */
export async function boundOutput(folder: string, bytesMax = OUTPUT_BYTES_MAX): Promise<void> {
  for (const name of FILES) {
    const path = join(folder, name)
    const bytes = await sizeOf(path)
    if (bytes <= bytesMax) continue
    // A flood far over the bound is not worth copying: the disk is what must be saved.
    if (bytes <= 2 * bytesMax) await keep(path)
    await truncate(path, 0)
  }
}

async function keep(path: string): Promise<void> {
  try {
    await copyFile(path, `${path}.1`)
  } catch (error) {
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error
    await rm(`${path}.1`, { force: true })
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0
    throw error
  }
}
