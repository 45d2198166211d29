/** What a failed connection means: whether anything was sent, and how to say it. */
import { RequestError } from './errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENETDOWN: 'the network is down',
  ENOTFOUND: 'the name of the host is unknown',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EADDRNOTAVAIL: 'no local port is free',
  CONNECT_TIMEOUT: 'it did not accept the connection in time',
}

const CUT: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ERR_STREAM_PREMATURE_CLOSE: 'the answer was cut off',
  EPROTO: 'it does not speak TLS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: compare the clocks',
}

const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA)/

/** Whether it failed before a byte of the request left, so that any call may go elsewhere. */
export function isBeforeSending(error: unknown): boolean {
  const code = codeOf(error)
  return Object.hasOwn(REASONS, code) || UNTRUSTED.test(code)
}

/** Whether the network or the peer failed, and not the program that calls. */
export function isNetworkFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof TypeError || error instanceof RequestError) return false
  return error.name === 'AbortError' || error.name === 'FetchError' || codeOf(error) !== ''
}

export function reasonOf(error: unknown): string {
  const code = codeOf(error)
  const known = REASONS[code] ?? CUT[code]
  if (known !== undefined) return known
  if (UNTRUSTED.test(code)) return `its certificate cannot be trusted (${code})`
  if (code.startsWith('HPE_')) return 'it does not speak HTTP here'
  if (code.startsWith('ERR_SSL_')) return 'it does not speak TLS here'
  return error instanceof Error ? error.message : String(error)
}

export function connectTimeout(): Error {
  return Object.assign(new Error('connect timeout'), { code: 'CONNECT_TIMEOUT' })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && error.code !== undefined
    ? String(error.code)
    : ''
}
