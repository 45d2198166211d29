/** Turns what a master answered into a value, or into the error that it means. */
import { z } from 'zod'
import type { ErrorBody } from './api.ts'
import { RequestError } from './errors.ts'

/** What was asked, for the sentence of an error: `GET /v1/nodes`. */
export type Asked = string

const errorBodySchema: z.ZodType<ErrorBody> = z.object({
  error: z.object({
    code: z.string().max(128),
    message: z.string().max(8_192),
    details: z.array(z.string().max(8_192)).max(1_000).exactOptional(),
  }),
})

export function parseAnswer<T>(asked: Asked, text: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(text === '' ? undefined : parseJson(asked, text))
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 5)
  throw unexpected(
    asked,
    'the answer does not have the expected form',
    issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  )
}

/** The master's own refusal, or the bare status where it is not one of ours. */
export function refusalOf(asked: Asked, status: number, text: string): RequestError {
  const body = errorBodySchema.safeParse(jsonOf(text))
  if (!body.success) {
    return new RequestError(
      status,
      'UNEXPECTED_ANSWER',
      `Cannot ${asked}: the answer was status ${status} without a reason`,
    )
  }
  const { code, message, details } = body.data.error
  return new RequestError(status, code, message, details)
}

export function unexpected(
  asked: Asked,
  why: string,
  details: readonly string[] = [],
): RequestError {
  return new RequestError(502, 'UNEXPECTED_ANSWER', `Cannot ${asked}: ${why}`, details)
}

function parseJson(asked: Asked, text: string): unknown {
  const value = jsonOf(text)
  if (value === undefined) throw unexpected(asked, 'the answer is not JSON')
  return value
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
