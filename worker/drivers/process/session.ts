/** A replica is a session of its own: its process and everything that one has started. */
import type { Clock } from '../../../shared/clock.ts'
import { isErrno } from './errno.ts'
import { listProcesses, type ProcessRow } from './process-table.ts'

const POLL_MS = 20
const KILL_WAIT_MS = 5_000

/** Asks the whole session to end, waits up to the grace, then forces it. */
export async function endSession(founder: number, graceMs: number, clock: Clock): Promise<void> {
  expectForeign(founder)
  signal(-founder, 'SIGTERM')
  if (await hasEnded(founder, graceMs, clock)) return
  await killSession(founder, clock)
}

/** Forces everything in the session to end; throws when the kernel does not let go of it. */
export async function killSession(founder: number, clock: Clock): Promise<void> {
  expectForeign(founder)
  const untilMs = clock.nowMs() + KILL_WAIT_MS
  for (;;) {
    // By session, not by group: members may have founded groups of their own.
    const members = await membersOf(founder)
    if (members.length === 0) return
    if (clock.nowMs() >= untilMs) break
    for (const { pid } of members) signal(pid, 'SIGKILL')
    await clock.sleep(POLL_MS)
  }
  throw new Error(`Cannot end process ${founder}: it is still there after SIGKILL`)
}

async function hasEnded(founder: number, waitMs: number, clock: Clock): Promise<boolean> {
  const untilMs = clock.nowMs() + waitMs
  while ((await membersOf(founder)).length > 0) {
    if (clock.nowMs() >= untilMs) return false
    await clock.sleep(POLL_MS)
  }
  return true
}

async function membersOf(founder: number): Promise<readonly ProcessRow[]> {
  return (await listProcesses()).filter((row) => row.session === founder && !row.ended)
}

/** As a group, 0 and 1 would mean ourselves and everybody. */
function expectForeign(founder: number): void {
  if (founder < 2) throw new Error(`Cannot signal process group ${founder}: it is not ours`)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}
