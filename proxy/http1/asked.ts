import { type RequestHead, textOf } from './parsing/request-head.ts'

/** Where a request was sent to by its client. */
export interface Asked {
  readonly host: string
  /** Path and query. */
  readonly target: string
}

/** An absolute target's host wins over the header (RFC 9112, section 3.2.2). */
export function askedOf(head: RequestHead, bytes: Buffer): Asked {
  const { authorityFrom, authorityTo, pathFrom, targetTo, hostFrom, hostTo } = head
  const target = textOf(bytes, pathFrom, targetTo)
  if (authorityFrom < 0)
    return { host: hostFrom < 0 ? '' : textOf(bytes, hostFrom, hostTo), target }
  const host = textOf(bytes, authorityFrom, authorityTo)
  return { host, target: target.startsWith('/') ? target : `/${target}` }
}
