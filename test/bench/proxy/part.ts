/** A part of a bench: its figures, what they must be read with, and what they were taken from. */
import { sentenceOf } from '../../../shared/errors.ts'

export interface Part {
  readonly figures: Readonly<Record<string, number | null>>
  readonly notes: Readonly<Record<string, string>>
  readonly runs: Readonly<Record<string, unknown>>
}

/** What fails is not measured, and says why; the rest of the bench goes on. */
export async function attempt(names: readonly string[], task: () => Promise<Part>): Promise<Part> {
  try {
    return await task()
  } catch (error) {
    return unmeasured(names, sentenceOf(error))
  }
}

export function unmeasured(names: readonly string[], reason: string): Part {
  return {
    figures: Object.fromEntries(names.map((name) => [name, null])),
    notes: Object.fromEntries(names.map((name) => [name, reason])),
    runs: {},
  }
}

export function joined(parts: readonly Part[]): Part {
  return {
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
    notes: Object.assign({}, ...parts.map(({ notes }) => notes)),
    runs: Object.assign({}, ...parts.map(({ runs }) => runs)),
  }
}
