/** Errors cross between threads as values and are the same errors again on the other side. */
import { Compacted, Conflict, Fenced, StoreUnavailable } from '../store.ts'
import type { Refusal } from './messages.ts'

export function errorOf(refusal: Refusal): Error {
  switch (refusal.kind) {
    case 'fenced':
      return new Fenced(refusal.epoch, refusal.current)
    case 'conflict':
      return new Conflict(refusal.expected, refusal.head)
    case 'compacted':
      return new Compacted(refusal.revision, refusal.oldest)
    case 'misused':
      return new RangeError(refusal.message)
    case 'unavailable':
      return new StoreUnavailable(refusal.trouble, refusal.message)
  }
}

/** Undefined when the error is none that a caller has to expect. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Fenced) {
    return { kind: 'fenced', epoch: error.epoch, current: error.current }
  }
  if (error instanceof Conflict) {
    return { kind: 'conflict', expected: error.expected, head: error.head }
  }
  if (error instanceof Compacted) {
    return { kind: 'compacted', revision: error.revision, oldest: error.oldest }
  }
  if (error instanceof RangeError) return { kind: 'misused', message: error.message }
  if (error instanceof StoreUnavailable) {
    return { kind: 'unavailable', trouble: error.trouble, message: error.message }
  }
  return undefined
}
