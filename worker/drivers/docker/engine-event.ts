/** What the engine tells of as it happens. */
import { z } from 'zod'
import { REPLICA_LABEL } from './labels.ts'

const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({
    ID: z.string().min(1),
    Attributes: z.record(z.string(), z.string()).nullish(),
  }),
  timeNano: z.number(),
})

export interface EngineEvent {
  /** Without what follows a colon: `health_status`. */
  readonly action: string
  readonly container: string
  readonly replica: string | undefined
  readonly exitCode: number
  /** Too large a number to be exact. */
  readonly timeNano: number
  readonly atMs: number
  /** The same event told twice has the same key. */
  readonly key: string
}

export const EVENTS = ['start', 'die', 'health_status', 'pause', 'unpause']

export function readEvent(told: unknown): EngineEvent {
  const { Action, Actor, timeNano } = eventSchema.parse(told)
  const attributes = Actor.Attributes ?? {}
  return {
    action: Action.replace(/:.*$/s, ''),
    container: Actor.ID,
    replica: attributes[REPLICA_LABEL],
    exitCode: Number(attributes.exitCode ?? 0),
    timeNano,
    atMs: timeNano / 1e6,
    key: `${Actor.ID} ${Action} ${timeNano}`,
  }
}
