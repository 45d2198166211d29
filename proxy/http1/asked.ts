import { type RequestHead, textOf } from './parsing/request-head.ts'

/** Where a request was sent to by its client. */
export interface Asked {
  readonly host: string
  /** Path and query. */
  readonly target: string
}

/** The Host of header lines that come again and again. */
export interface SaidHost {
  host: string | undefined
}

/** An absolute target's host wins over the header (RFC 9112, section 3.2.2). */
export function askedOf(head: RequestHead, bytes: Buffer, said?: SaidHost): Asked {
  const { authorityFrom, authorityTo, pathFrom, targetTo } = head
  const target = textOf(bytes, pathFrom, targetTo)
  if (authorityFrom < 0) return { host: hostOf(head, bytes, said), target }
  const host = textOf(bytes, authorityFrom, authorityTo)
  return { host, target: target.startsWith('/') ? target : `/${target}` }
}

function hostOf(head: RequestHead, bytes: Buffer, said: SaidHost | undefined): string {
  const known = head.isKnown ? said?.host : undefined
  if (known !== undefined) return known
  const host = head.hostFrom < 0 ? '' : textOf(bytes, head.hostFrom, head.hostTo)
  if (head.isKnown && said !== undefined) said.host = host
  return host
}
