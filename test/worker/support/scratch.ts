import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder of this test alone, gone with it. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orchestrify-worker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
