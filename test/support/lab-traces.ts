/** What shows that a lab is, or was, on this machine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** Folders, control groups, loop devices, mounts and processes that bear the lab's name. */
export function leftOf(dir: string): readonly string[] {
  const name = basename(dir)
  const groups = readdirSync('/sys/fs/cgroup').map((group) => `/sys/fs/cgroup/${group}/${name}`)
  const loops = readdirSync('/sys/block').map((block) => `/sys/block/${block}/loop/backing_file`)
  const processes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return [
    ...[dir, `/sys/fs/cgroup/${name}`, ...groups].filter((path) => existsSync(path)),
    ...loops.filter((path) => readOrEmpty(path).includes(name)),
    ...processes.filter((pid) => readOrEmpty(`/proc/${pid}/cgroup`).includes(name)),
    ...processes.filter((pid) => readOrEmpty(`/proc/${pid}/cmdline`).includes(name)),
    ...readOrEmpty('/proc/self/mountinfo')
      .split('\n')
      .filter((line) => line.includes(name)),
  ]
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
