import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAME = 'orchestrify'

/** The version in the project's package.json, above the sources as above the compiled programs. */
export function readVersion(): string {
  return versionAbove(dirname(fileURLToPath(import.meta.url)))
}

function versionAbove(folder: string): string {
  const path = join(folder, 'package.json')
  if (existsSync(path)) {
    const { name, version } = JSON.parse(readFileSync(path, 'utf8'))
    if (name === NAME && typeof version === 'string') return version
  }
  const above = dirname(folder)
  if (above === folder) throw new Error(`Cannot find the package.json of ${NAME}`)
  return versionAbove(above)
}
