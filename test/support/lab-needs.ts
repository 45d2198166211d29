/** What a lab needs of the machine that it runs on. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasRoot } from './root.ts'

const TOOLS = [
  'busybox',
  'curl',
  'docker',
  'docker-init',
  'dockerd',
  'flock',
  'ip',
  'iptables',
  'nsenter',
  'python3',
  'taskset',
  'unshare',
]

/** Whether a lab can run here: in CI it must, elsewhere the tests that are not run are named. */
export function hasLab(without: string, alsoNeeded: readonly string[] = []): boolean {
  if (!hasRoot(without)) return false
  const missing = [...TOOLS, ...alsoNeeded].filter((tool) => !isInstalled(tool))
  if (missing.length === 0 || process.env.CI === 'true') return true
  console.error(`NOT RUN  ${without}: ${missing.join(', ')} not installed`)
  return false
}

function isInstalled(tool: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
