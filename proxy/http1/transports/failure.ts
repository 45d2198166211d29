import { getSystemErrorName } from 'node:util'
import { reasonOf } from '../../../shared/network-failure.ts'

/** Why a connection is over, in words. */
export function failureOf(error: unknown): string {
  const timedOut = error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT'
  return timedOut ? 'the other side fell silent' : reasonOf(error)
}

/** The same of the negative number by which libuv names it. */
export function failureOfErrno(errno: number): string {
  const code = getSystemErrorName(errno)
  return failureOf(Object.assign(new Error(`the connection failed with ${code}`), { code }))
}

/** Whether the other side has cut the connection, so that a read of it comes to an end soon. */
export function isCut(errno: number): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(getSystemErrorName(errno))
}
