/** What the engine thinks of a container's health. Pure. */
import type { Opinion } from '../driver.ts'
import type { State } from './inspected.ts'
import { oneLine } from './one-line.ts'

export function opinionOf({ Paused, Health }: Pick<State, 'Paused' | 'Health'>): Opinion {
  if (Paused) return { kind: 'ill', reason: 'it is paused' }
  const said = oneLine(Health?.Log?.at(-1)?.Output ?? '')
  const told = said === '' ? '' : `: ${said}`
  switch (Health?.Status) {
    case 'healthy':
      return { kind: 'well' }
    case 'starting':
      return { kind: 'starting', reason: `the check of its image has not passed yet${told}` }
    case 'unhealthy':
      return { kind: 'ill', reason: `the check of its image fails${told}` }
    default:
      return { kind: 'none' }
  }
}
