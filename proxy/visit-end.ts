import type { Outcome } from './decide/meter.ts'
import type { VisitEnd } from './decide/outlier-ejection.ts'
import type { Failure } from './exchange.ts'

/** What a failed attempt tells of its replica. */
export function endOfFailure(failure: Failure): VisitEnd['kind'] {
  return failure === 'stale' || failure === 'timeout' ? failure : 'failed'
}

/** What the end of a request tells of its replica. */
export function endOfOutcome(outcome: Outcome): VisitEnd['kind'] {
  switch (outcome) {
    case 'answered':
    case 'lasting':
      return 'answered'
    case 'aborted':
      return 'aborted'
    case 'failed':
    case 'unserved':
      return 'failed'
  }
}
