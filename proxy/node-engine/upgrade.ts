import type { Socket } from 'node:net'
import type { Destination } from '../decide/route-index.ts'
import { Exchange } from '../exchange.ts'
import { type Asked, ask, type Forwarding } from './asking.ts'
import { deliver } from './deliver.ts'
import { type Client, type Inbound, withRequestId } from './inbound.ts'
import { switchingHead, tunnel, upgradeHeaders } from './tunnel.ts'

/** A client's connection that asks to become a WebSocket; its `response` is for all but a 101. */
export interface Upgrading extends Client {
  readonly socket: Socket
  /** What the client sent already, for the other protocol. */
  readonly head: Buffer
}

/** Asks a replica for the upgrade; only its 101 opens the tunnel. Never rejects. */
export async function upgrade(
  upgrading: Upgrading,
  { fragment, target }: Destination,
  { traffic, limits, connections }: Forwarding,
): Promise<void> {
  const exchange = new Exchange(traffic, fragment, 'upgrade')
  exchange.requestComplete()
  const gone = new AbortController()
  const forget = connections.onClose(upgrading.socket, () => gone.abort())
  const headers = withRequestId(upgradeHeaders(upgrading.request))
  const inbound: Inbound = {
    method: 'GET',
    target,
    headers,
    body: { kind: 'none' },
    client: upgrading,
  }
  const asking = { agent: false, limits, signal: gone.signal } as const
  const asked = await ask(inbound, exchange, asking)
  if (asked.kind === 'upgraded') await join(upgrading, asked, { exchange, limits })
  else await deliver(inbound, exchange, asked, asking)
  forget()
}

type Upgraded = Extract<Asked, { kind: 'upgraded' }>

interface Joining {
  readonly exchange: Exchange
  readonly limits: Forwarding['limits']
}

/** Settles when both connections are closed. */
function join(
  { socket, response, head }: Upgrading,
  upgraded: Upgraded,
  { exchange, limits }: Joining,
): Promise<void> {
  exchange.answered()
  exchange.becameLasting()
  response.detachSocket(socket)
  socket.write(switchingHead(upgraded.answer))
  if (upgraded.head.length > 0) socket.write(upgraded.head)
  if (head.length > 0) upgraded.socket.write(head)
  return new Promise((resolve) => {
    tunnel({ client: socket, upstream: upgraded.socket }, limits.lastingIdleMs, () => {
      exchange.finish('lasting', 101)
      resolve()
    })
  })
}
