/** The programs from elsewhere that a bench needs: installed when they are missing and it may. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../../support/program.ts'

/** Debian package → why what needs it cannot be measured. */
export type Missing = ReadonlyMap<string, string>

const SETUP = join(ROOT, 'test/setup/bench-tools.mjs')
const INSTALL_TIMEOUT_MS = 900_000

/** Throws one sentence when nothing at all can be measured. */
export async function provideTools(needed: readonly string[]): Promise<Missing> {
  const text = await setUp()
  const missing = new Map<string, string>()
  for (const { name, sentence } of JSON.parse(text)) missing.set(name, sentence)
  for (const name of needed) {
    const sentence = missing.get(name)
    if (sentence !== undefined) throw new Error(sentence)
  }
  return missing
}

function setUp(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: INSTALL_TIMEOUT_MS }
    const child = execFile(process.execPath, [SETUP], options, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(new Error('Cannot set up the tools of the bench', { cause: error }))
    })
    child.stderr?.pipe(process.stderr)
  })
}
