/** Containers outlive a worker that is killed, and only a worker speaks with the Docker Engine. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from '../answers.ts'
import { isAlive } from './processes.ts'
import type { Recorded } from './state.ts'

const noteSchema = z.object({ driver: z.string() })

/** What to do about containers whose worker cannot end them any more; nothing while all live. */
export function containerHint(dir: string, children: readonly Recorded[]): string | undefined {
  const dead = children.filter(({ role, process }) => {
    return role === 'worker' && (process === undefined || !isAlive(process))
  })
  const names = dead.map(({ name }) => name).filter((name) => ranContainers(join(dir, name)))
  if (names.length === 0) return undefined
  const remedy = 'run "up" and "down" again, or remove those with the label orchestrify.node'
  return `Containers of ${names.join(', ')} may still run: ${remedy}.`
}

function ranContainers(worker: string): boolean {
  try {
    const note = noteSchema.safeParse(JSON.parse(readFileSync(join(worker, 'driver.json'), 'utf8')))
    return note.success && note.data.driver === 'docker'
  } catch {
    // No note, or a torn one: it did not come to run anything.
    return false
  }
}
