/** The control groups of a lab, which know every process in it. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers')
const GROUPS = isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/freezer'

/** The processes of a host that are not in its containers, seen from outside. */
export function machinePids(labDir: string, host: string): readonly number[] {
  const file = join(GROUPS, basename(labDir), host, 'machine', 'cgroup.procs')
  return readIfThere(file).split('\n').filter(Boolean).map(Number)
}

export function enginePidIn(labDir: string, host: string): number | undefined {
  const isEngine = (pid: number): boolean => readIfThere(`/proc/${pid}/comm`) === 'dockerd\n'
  return machinePids(labDir, host).find(isEngine)
}

/** A program that runs inside a host, given the process that stands for it outside. */
export function insidePid(outsidePid: number): number | undefined {
  const children = readIfThere(`/proc/${outsidePid}/task/${outsidePid}/children`).trim()
  return children === '' ? undefined : Number(children.split(' ')[0])
}

/** A process may end while it is looked at. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
