/** One worker per directory: two would fight over the same replicas. */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere } from '../shared/durable-file.ts'
import { conflict } from '../shared/errors.ts'
import { isErrno } from './drivers/process/errno.ts'
import { identify, isAlive } from './drivers/process/process-table.ts'
import { lockSchema } from './shapes.ts'

const TRIES_MAX = 5

/** Answers what gives the directory free again. The lock of a process that is gone is taken over. */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'worker.lock')
  const self = JSON.stringify((await identify(process.pid)) ?? {})
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (await createdWith(path, self)) return () => rm(path, { force: true })
    const owner = await ownerOf(path)
    if (owner !== undefined) throw inUse(directory, owner)
    await rm(path, { force: true })
  }
  throw conflict(`Cannot use ${directory}: other workers start in it at this moment`)
}

function inUse(directory: string, owner: number): Error {
  const remedy = 'stop it or choose another --data'
  return conflict(`Cannot use ${directory}: the worker with process id ${owner} uses it; ${remedy}`)
}

async function createdWith(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(content)
    await file.close()
    return true
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false
    throw error
  }
}

/** The living process that holds the lock. */
async function ownerOf(path: string): Promise<number | undefined> {
  const content = (await readIfThere(path)) ?? ''
  const owner = lockSchema.safeParse(content.startsWith('{') ? parsed(content) : undefined).data
  return owner !== undefined && (await isAlive(owner)) ? owner.pid : undefined
}

/** A lock that was cut off while it was written belongs to nobody. */
function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}
