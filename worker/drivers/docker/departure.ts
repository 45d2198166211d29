/** Finds out why a container ended. */
import type { Engine } from './engine.ts'
import { exitReason, isTelling } from './exit-reason.ts'
import type { Inspected } from './inspected.ts'
import { lastLineOf } from './log-source.ts'
import type { Trouble } from './trouble.ts'

export interface DepartureParts {
  readonly engine: Engine
  readonly trouble: Trouble
}

export async function whyEnded(
  { engine, trouble }: DepartureParts,
  { id, state, memoryBytes }: Inspected,
): Promise<string> {
  const isOutage = trouble.covers(Date.parse(state.FinishedAt))
  const lastLine = isTelling(state) && !isOutage ? await lastLineOf(engine, id) : undefined
  return exitReason(state, { memoryBytes, lastLine, isOutage })
}
