import type { Change } from '../../../shared/change.ts'
import type { DesiredView } from '../desired.ts'

/** What an intent may know beside the desired state. */
export interface At {
  readonly nowMs: number
  readonly actor: string
  newId(): string
}

/** Turns a request into changes; throws a RequestError when it may not be. */
export type Meaning = (desired: DesiredView, at: At) => readonly Change[]

/** What every change of a request carries. */
export function because(
  at: At,
  reason: string,
): { readonly atMs: number; readonly actor: string; readonly reason: string } {
  return { atMs: at.nowMs, actor: at.actor, reason }
}
