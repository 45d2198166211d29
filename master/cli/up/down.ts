import { resolve } from 'node:path'
import type { Arguments } from '../arguments.ts'
import type { Session } from '../command.ts'
import { containerHint } from './containers.ts'
import { isAlive } from './processes.ts'
import { readState, removeState, type UpState } from './state.ts'
import { end, type Stopped, stopAll } from './stop.ts'

/** Longer than a supervisor takes for everything in order. */
const SUPERVISOR_GRACE_MS = 60_000
export const DATA_DEFAULT = './.orchestrify'

export async function runDown(args: Arguments, session: Session): Promise<number> {
  const dir = resolve(args.text('data') ?? DATA_DEFAULT)
  const state = readState(dir)
  if (state === undefined) {
    session.screen.print(`Nothing runs in ${dir}.`)
    return 0
  }
  const wasSupervised = isAlive(state.supervisor)
  const hint = wasSupervised ? undefined : containerHint(dir, state.children)
  const stopped = await stopRecorded(dir, state, session)
  session.screen.print(sentence(state, stopped, wasSupervised))
  if (hint !== undefined) session.screen.complain(hint)
  return 0
}

/** Ends the supervisor, then whatever it could not end itself. */
export async function stopRecorded(
  dir: string,
  state: UpState,
  { clock, urgent }: Session,
): Promise<Stopped> {
  await end([state.supervisor], SUPERVISOR_GRACE_MS, { clock, urgent })
  // A child may have been restarted since: the newest note counts.
  const { children } = readState(dir) ?? state
  const stopped = await stopAll({ dir, children, clock, urgent })
  removeState(dir)
  return stopped
}

function sentence({ children }: UpState, stopped: Stopped, wasSupervised: boolean): string {
  const names = wasSupervised ? children.map(({ name }) => name) : stopped.programs
  const all = [...names, ...leftovers(stopped.replicas)]
  return all.length === 0 ? 'Nothing ran any more.' : `Stopped ${all.join(', ')}.`
}

function leftovers(count: number): readonly string[] {
  if (count === 0) return []
  return [count === 1 ? '1 process of a replica' : `${count} processes of replicas`]
}
