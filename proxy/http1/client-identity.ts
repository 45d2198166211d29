import type { RouteFragment } from '../../shared/model.ts'
import { cookieNameOf } from '../sticky-cookie.ts'
import { KNOWN } from './parsing/header-names.ts'
import { type RequestHead, textOf } from './parsing/request-head.ts'

/** What ties the client to a replica, where the service is sticky. */
export function affinityOf(
  head: RequestHead,
  bytes: Buffer,
  fragment: RouteFragment,
  { address, trustedHops }: Peer,
): string | undefined {
  switch (fragment.balance?.sticky) {
    case 'cookie':
      return cookieOf(head, bytes, cookieNameOf(fragment))
    case 'client-ip':
      return clientAddress(head, bytes, address, trustedHops)
    default:
      return undefined
  }
}

/** Who is at the other end of the client's connection. */
export interface Peer {
  readonly address: string
  /** Proxies in front whose word about the client is believed. */
  readonly trustedHops: number
}

/** The value of a cookie that came along; undefined without it. */
function cookieOf(head: RequestHead, bytes: Buffer, name: string): string | undefined {
  for (let index = 0; index < head.count; index += 1) {
    if (head.kinds[index] !== KNOWN.cookie) continue
    for (const pair of valueAt(head, bytes, index).split(';')) {
      const equals = pair.indexOf('=')
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
    }
  }
  return undefined
}

/**
 * The client's own address: as the first of the trusted proxies in front saw it, whose word is
 * so many places from the end of the chain. What stands before that is only claimed; in a shorter
 * chain the first word is that of a trusted proxy as well.
 */
function clientAddress(
  head: RequestHead,
  bytes: Buffer,
  peer: string,
  trustedHops: number,
): string {
  if (trustedHops === 0) return peer
  const chain: string[] = []
  for (let index = 0; index < head.count; index += 1) {
    if (head.kinds[index] === KNOWN.forwardedFor) {
      chain.push(...valueAt(head, bytes, index).split(','))
    }
  }
  return chain[Math.max(0, chain.length - trustedHops)]?.trim() ?? peer
}

function valueAt(head: RequestHead, bytes: Buffer, index: number): string {
  return textOf(bytes, head.fields[4 * index + 2] ?? 0, head.fields[4 * index + 3] ?? 0)
}
