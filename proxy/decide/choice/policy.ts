import type { BalancePolicy } from '../../../shared/model.ts'
import type { ReplicaPool } from '../replica-pool.ts'
import type { Choice } from './choice.ts'
import { LeastConnections } from './least-connections.ts'
import { peakCost } from './peak-ewma.ts'
import { RoundRobin } from './round-robin.ts'
import { SlowAware } from './slow-aware.ts'
import { loadOf, TwoChoices } from './two-choices.ts'

export interface ChoiceParts {
  readonly pool: ReplicaPool
  readonly avoidsSlow: boolean
  readonly random: () => number
}

export function choiceOf(policy: BalancePolicy, parts: ChoiceParts): Choice {
  switch (policy) {
    case 'queue':
      return new SlowAware(parts.pool, parts.avoidsSlow)
    case 'round-robin':
      return new RoundRobin()
    case 'least-connections':
      return new LeastConnections()
    case 'p2c':
      return new TwoChoices(loadOf, parts.random)
    case 'peak-ewma':
      return new TwoChoices(peakCost, parts.random)
  }
}
