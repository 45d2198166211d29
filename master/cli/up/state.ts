/** What `up` notes about its processes, so that `down` ends these and no others. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sentenceOf } from '../../../shared/errors.ts'
import { z } from '../answers.ts'
import { CliError } from '../failure.ts'

const identity = z.object({
  pid: z.number().int().min(2),
  startedTicks: z.number().nonnegative(),
  bootId: z.string(),
})

const role = z.enum(['master', 'worker', 'proxy'])

const recordedSchema = z.object({
  role,
  name: z.string(),
  address: z.string().optional(),
  log: z.string(),
  process: identity.optional(),
})

const stateSchema = z.object({
  version: z.literal(1),
  supervisor: identity,
  ready: z.boolean(),
  startedAt: z.string(),
  host: z.string(),
  master: z.string(),
  proxy: z.string(),
  children: z.array(recordedSchema),
})

export type Role = z.infer<typeof role>
export type Recorded = z.infer<typeof recordedSchema>
export type UpState = z.infer<typeof stateSchema>

export function readState(dir: string): UpState | undefined {
  const path = join(dir, NAME)
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const why = error instanceof SyntaxError ? 'it is no JSON' : sentenceOf(error).split('\n')[0]
    throw new CliError(`Cannot read ${path}: ${why}`, {
      next: 'Remove the file once nothing of it runs.',
    })
  }
}

/** False when another `up` was quicker. */
export function claimState(dir: string, state: UpState): boolean {
  const draft = draftOf(dir, state)
  try {
    linkSync(draft, join(dir, NAME))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

export function writeState(dir: string, state: UpState): void {
  renameSync(draftOf(dir, state), join(dir, NAME))
}

export function removeState(dir: string): void {
  rmSync(join(dir, NAME), { force: true })
}

const NAME = 'up.json'

function draftOf(dir: string, state: UpState): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const draft = join(dir, `${NAME}.${process.pid}.draft`)
  writeFileSync(draft, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
  return draft
}
