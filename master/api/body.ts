import { RequestError } from '../../shared/errors.ts'

export const DEPTH_MAX = 64

const UNWELCOME: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Refuses what is nested too deeply or names an object's own machinery, wherever it stands. */
export function expectPlain(body: unknown): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: body, depth: 1 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (typeof value !== 'object' || value === null) continue
    if (depth > DEPTH_MAX) throw malformed(`it is nested more than ${DEPTH_MAX} deep`)
    for (const [key, inner] of Object.entries(value)) {
      if (UNWELCOME.has(key)) throw malformed(`the key "${key}" is not allowed`)
      open.push({ value: inner, depth: depth + 1 })
    }
  }
}

function malformed(state: string): RequestError {
  return new RequestError(422, 'VALIDATION_ERROR', `Cannot accept this body: ${state}`)
}
