import { type ChildProcess, spawn } from 'node:child_process'
import { openOutput } from './output.ts'

export interface Launch {
  readonly command: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

/** Starts a session of its own that outlives the worker; throws when there is no such program. */
export async function launch({ command, folder, environment }: Launch): Promise<ChildProcess> {
  const [program = '', ...parameters] = command
  const output = await openOutput(folder)
  try {
    const child = spawn(program, parameters, {
      cwd: folder,
      env: environment,
      detached: true,
      shell: false,
      stdio: ['ignore', output.stdout, output.stderr],
    })
    await spawned(child)
    child.unref()
    return child
  } finally {
    await output.close()
  }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
}
