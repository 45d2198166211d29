import { after } from '../../shared/clock.ts'
import type { RouteFragment } from '../../shared/model.ts'
import { Exchange } from '../exchange.ts'
import { ask, type Forwarding } from './asking.ts'
import { deliver, refuse } from './deliver.ts'
import type { Inbound } from './inbound.ts'
import { answerOwn } from './own-answer.ts'

/** Carries one request to a replica of the service and the answer back; never rejects. */
export async function forward(
  inbound: Inbound,
  fragment: RouteFragment,
  forwarding: Forwarding,
): Promise<void> {
  const { traffic, limits, pool, connections } = forwarding
  const exchange = new Exchange(traffic, fragment, 'request')
  const { request } = inbound.client
  watchArrival(inbound, exchange)
  const gone = new AbortController()
  const forget = connections.onClose(request.socket, () => gone.abort())
  const cancelLate = after(limits.totalTimeoutMs, () => expire(inbound, exchange, gone))
  const asking = { agent: pool, limits, signal: gone.signal }
  const asked = await ask(inbound, exchange, asking)
  if (asked.kind === 'upgraded') {
    // Nobody asked for another protocol.
    asked.socket.destroy()
    refuse(inbound, exchange, { kind: 'gave-up', failure: 'sent' })
  } else {
    await deliver(inbound, exchange, asked, asking)
  }
  cancelLate()
  forget()
}

/** From the request's last byte on the replica is waited for, not the client. */
function watchArrival({ body, client }: Inbound, exchange: Exchange): void {
  const complete = (): void => {
    exchange.requestComplete()
    client.request.socket.setTimeout(0)
  }
  if (body.kind === 'stream') client.request.once('end', complete)
  else complete()
}

/** Ends what takes longer than any request may; what is meant to last is not meant here. */
function expire(inbound: Inbound, exchange: Exchange, gone: AbortController): void {
  if (exchange.isLasting) return
  exchange.finish('failed', 504)
  const message = `Cannot finish the request to "${exchange.fragment.name}": it took too long`
  answerOwn(inbound.client.response, { status: 504, code: 'TIMEOUT', message, close: true })
  gone.abort()
}
