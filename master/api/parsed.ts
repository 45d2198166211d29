import type { z } from 'zod'
import { invalid, RequestError } from '../../shared/errors.ts'
import { WIRE_VERSION } from '../../shared/protocol.ts'

const DETAILS_MAX = 20

/** What the schema makes of the value; otherwise a sentence with a detail for each fault. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, sentence: string): T {
  const outcome = schema.safeParse(value)
  if (outcome.success) return outcome.data
  const details = outcome.error.issues.slice(0, DETAILS_MAX).map(detailOf)
  throw invalid(`${sentence}: ${details[0] ?? 'it is not valid'}`, details)
}

/** A message of a worker or proxy: one of another version is refused by name. */
export function parsedWire<T>(schema: z.ZodType<T>, value: unknown, noun: string): T {
  const spoken =
    typeof value === 'object' && value !== null && 'wire' in value ? value.wire : undefined
  if (Number.isInteger(spoken) && spoken !== WIRE_VERSION) {
    const message = `Cannot understand wire version ${spoken}: this master speaks ${WIRE_VERSION}`
    throw new RequestError(426, 'WIRE_VERSION', message)
  }
  return parsed(schema, value, `Cannot accept this ${noun}`)
}

function detailOf(issue: z.core.$ZodIssue): string {
  const { path } = issue
  // What is wrong with a key is told one level deeper.
  const cause = issue.code === 'invalid_key' ? issue.issues[0] : issue
  const message = cause?.message ?? issue.message
  return path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`
}
