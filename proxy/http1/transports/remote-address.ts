import type { Socket } from 'node:net'

const MAPPED = '::ffff:'

/** The other side's address; empty when it is gone already. */
export function remoteAddressOf(socket: Pick<Socket, 'remoteAddress'>): string {
  const address = socket.remoteAddress ?? ''
  const isMapped = address.startsWith(MAPPED) && address.includes('.')
  return isMapped ? address.slice(MAPPED.length) : address
}
