/** What a call to the Docker Engine threw, put into words. */
import type { Why } from './engine-error.ts'

export interface CallFate {
  /** Where the engine should be. */
  readonly address: string
  /** The caller gave up before there was an answer. */
  readonly isGivenUp: boolean
  /** The deadline that has passed. */
  readonly lateMs: number | undefined
}

export function whyFailed(error: unknown, { address, isGivenUp, lateMs }: CallFate): Why {
  const refusal = refusalOf(error)
  if (refusal !== undefined) return refusal
  if (isGivenUp) return { failure: 'aborted', reason: 'it was given up' }
  if (lateMs !== undefined) {
    const detail = `it does not answer within ${lateMs / 1_000} s`
    const reason = `the Docker Engine at ${address} does not answer within ${lateMs / 1_000} s`
    return { failure: 'silent', reason, detail }
  }
  const detail = seen(error)
  const reason = `the Docker Engine at ${address} cannot be reached: ${detail}`
  return { failure: 'unreachable', reason, detail }
}

function refusalOf(error: unknown): Why | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  if (typeof error.statusCode !== 'number') return undefined
  return { failure: 'refused', status: error.statusCode, reason: messageOf(error) }
}

function messageOf(error: Error): string {
  const json = 'json' in error ? error.json : undefined
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message)
  return error.message.replace(/^\(HTTP code \d+\) .*? - /, '')
}

const SEEN: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens there',
  EACCES: 'this user may not; root and the group "docker" may',
  EPERM: 'this user may not; root and the group "docker" may',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'nobody knows that host',
}

function seen(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A certificate that is missing names its own path.
  const isFile = 'syscall' in error && error.syscall === 'open'
  const code = 'code' in error ? String(error.code) : ''
  return (isFile ? undefined : SEEN[code]) ?? error.message
}
