import { relative } from 'node:path'
import type { Screen } from '../screen.ts'
import { table } from '../table.ts'
import { isAlive } from './processes.ts'
import type { Recorded, UpState } from './state.ts'

const MASTER_DEFAULT = 'http://127.0.0.1:18080'

/** What runs, for people. */
export function reportOf(state: UpState, dir: string, screen: Screen): readonly string[] {
  const shown = relative(process.cwd(), dir)
  const place = shown === '' || shown.startsWith('..') ? dir : `./${shown}`
  const hint =
    state.master === MASTER_DEFAULT
      ? []
      : ['', `For other commands: export ORCHESTRIFY_MASTER=${state.master}`]
  return [
    ...table<Recorded>(
      [
        { title: 'PROGRAM', of: (row) => row.name },
        { title: 'ADDRESS', of: (row) => row.address ?? '-' },
        { title: 'STATE', of: stateOf, tone: (row) => (stateOf(row) === 'runs' ? 'good' : 'bad') },
        { title: 'PROCESS', right: true, of: (row) => String(row.process?.pid ?? '-') },
      ],
      state.children,
      screen,
    ),
    '',
    `Logs: ${place}/logs`,
    ...hint,
  ]
}

function stateOf({ process }: Recorded): string {
  return process !== undefined && isAlive(process) ? 'runs' : 'ended'
}
