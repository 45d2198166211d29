/** Processes of replicas that outlived their worker, found by the notes of the process driver. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from '../answers.ts'
import { isAlive, type ProcessIdentity, sessionMembers, withEnvironment } from './processes.ts'

const noteSchema = z.object({
  process: z
    .object({ pid: z.number().int().min(2), startedTicks: z.number(), bootId: z.string() })
    .optional(),
})

/** Everything that still runs for the replicas of the workers under this directory. */
export function leftoverReplicas(dir: string): readonly ProcessIdentity[] {
  const founders = replicaFolders(resolve(dir)).flatMap(({ folder, replica }) => [
    ...noted(folder),
    // A note may be missing or torn, or its process gone while its children live on.
    ...withEnvironment([`PWD=${folder}`, `ORCHESTRIFY_REPLICA=${replica}`]),
  ])
  return sessionMembers(new Set(founders.filter(isAlive).map(({ pid }) => pid)))
}

function noted(folder: string): readonly ProcessIdentity[] {
  try {
    const note = noteSchema.parse(JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8')))
    return note.process === undefined ? [] : [note.process]
  } catch {
    // No note, or a damaged one: the environment of its processes still tells whose they are.
    return []
  }
}

function replicaFolders(dir: string): readonly { folder: string; replica: string }[] {
  return folders(dir)
    .filter((name) => name.startsWith('worker-'))
    .flatMap((worker) => {
      const root = join(dir, worker, 'replicas')
      return folders(root).map((replica) => ({ folder: join(root, replica), replica }))
    })
}

function folders(path: string): readonly string[] {
  try {
    const found = readdirSync(path, { withFileTypes: true })
    return found.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
