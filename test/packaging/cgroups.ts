import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/until.ts'

const CGROUPS = '/sys/fs/cgroup'

/** Removes a group and all below it in every hierarchy, once its processes have ended. */
export async function removeCgroups(name: string): Promise<void> {
  await until(() => groupsOf(name).every(removed))
}

/** The innermost first. */
function groupsOf(name: string): readonly string[] {
  const tops = [CGROUPS, ...readdirSync(CGROUPS).map((each) => join(CGROUPS, each))]
  const own = tops.map((top) => join(top, name)).filter((path) => existsSync(path))
  return own.flatMap((path) => [...foldersIn(path), path])
}

function foldersIn(path: string): readonly string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory())
  return folders
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort((a, b) => b.length - a.length)
}

/** The kernel lets go of a group a moment after its last process. */
function removed(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    return false
  }
}
