import type { Agent, IncomingMessage } from 'node:http'
import { after } from '../../shared/clock.ts'
import type { RouteFragment } from '../../shared/model.ts'
import type { EngineLimits } from '../engine.ts'
import { Exchange, type Failure } from '../exchange.ts'
import type { Traffic } from '../traffic.ts'
import { type Attempted, attempt } from './attempt.ts'
import { type Inbound, isRepeatable } from './inbound.ts'
import { answerOwn, type OwnAnswer, unavailable } from './own-answer.ts'
import { isEventStream, relay } from './relay.ts'

export interface Forwarding {
  readonly traffic: Traffic
  readonly limits: EngineLimits
  readonly pool: Agent
}

/** Carries one request to a replica of the service and the answer back; never rejects. */
export async function forward(
  inbound: Inbound,
  fragment: RouteFragment,
  forwarding: Forwarding,
): Promise<void> {
  const exchange = new Exchange(forwarding.traffic, fragment, 'request')
  const { request, response } = inbound.client
  if (inbound.body.kind !== 'stream') exchange.requestComplete()
  request.once('end', () => {
    exchange.requestComplete()
    // From here on the replica is waited for, not the client.
    request.socket.setTimeout(0)
  })
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const late = expireLate(inbound, exchange, forwarding.limits)
  const asked = await ask(inbound, exchange, { ...forwarding, signal: gone.signal })
  if (asked.kind === 'answered') await deliver(inbound, asked, { exchange, forwarding })
  else if (gone.signal.aborted) exchange.finish('aborted')
  else refuse(inbound, exchange, asked)
  late()
}

type Asked =
  | Extract<Attempted, { kind: 'answered' }>
  | { readonly kind: 'nobody' }
  | { readonly kind: 'gave-up'; readonly failure: Failure }

/** One replica after the other, for as long as asking again is safe. */
async function ask(
  inbound: Inbound,
  exchange: Exchange,
  { limits, pool, signal }: Forwarding & { readonly signal: AbortSignal },
): Promise<Asked> {
  let agent: Agent | false = pool
  for (let attempts = 1; ; attempts += 1) {
    const endpoint = exchange.choose()
    if (endpoint === undefined) return { kind: 'nobody' }
    const onEarlyHints = earlyHints(inbound)
    const attempted = await attempt(inbound, endpoint, { agent, limits, signal, onEarlyHints })
    if (attempted.kind === 'answered') return attempted
    if (attempted.kind === 'upgraded') {
      // Nobody asked for another protocol.
      attempted.socket.destroy()
      return { kind: 'gave-up', failure: 'sent' }
    }
    const { failure } = attempted
    if (signal.aborted) return { kind: 'gave-up', failure }
    const again = exchange.failed(failure, isRepeatable(inbound))
    if (!again || attempts >= limits.attemptsMax) return { kind: 'gave-up', failure }
    // Where one kept connection was stale others may be.
    if (failure === 'reused') agent = false
  }
}

interface Delivery {
  readonly exchange: Exchange
  readonly forwarding: Forwarding
}

async function deliver(
  inbound: Inbound,
  asked: Extract<Attempted, { kind: 'answered' }>,
  { exchange, forwarding }: Delivery,
): Promise<void> {
  const status = asked.answer.statusCode ?? 502
  exchange.answered()
  const lasting = isEventStream(asked.answer)
  if (lasting) exchange.becameLasting()
  const relayed = await relay(inbound, asked, forwarding.limits)
  if (relayed === 'refused') refuse(inbound, exchange, { kind: 'gave-up', failure: 'sent' })
  else if (lasting) exchange.finish('lasting', status)
  else if (relayed === 'client-gone') exchange.finish('aborted', status)
  else exchange.finish(relayed === 'complete' && status < 500 ? 'answered' : 'failed', status)
}

function refuse(
  inbound: Inbound,
  exchange: Exchange,
  asked: Exclude<Asked, { kind: 'answered' }>,
): void {
  const answer = refusal(exchange, asked)
  exchange.finish('failed', answer.status)
  const { request, response } = inbound.client
  const unread = inbound.body.kind === 'stream' && !request.readableEnded
  answerOwn(response, { ...answer, close: unread })
}

function refusal(exchange: Exchange, asked: Exclude<Asked, { kind: 'answered' }>): OwnAnswer {
  const { name } = exchange.fragment
  if (asked.kind === 'nobody') return unavailable(`Cannot reach "${name}": ${exchange.absence}`)
  const message = `Cannot reach "${name}": ${FAILURES[asked.failure]}`
  if (asked.failure === 'timeout') return { status: 504, code: 'TIMEOUT', message }
  return { status: 502, code: 'BAD_GATEWAY', message }
}

const FAILURES: Readonly<Record<Failure, string>> = {
  connect: 'its replica does not accept connections',
  reused: 'its replica closed the connection',
  sent: 'its replica gave no valid answer',
  timeout: 'its replica did not answer in time',
}

/** Ends what takes longer than any request may; what is meant to last is not meant here. */
function expireLate(inbound: Inbound, exchange: Exchange, limits: EngineLimits): () => void {
  const { response } = inbound.client
  return after(limits.totalTimeoutMs, () => {
    const contentType = response.getHeader('content-type')
    if (/^text\/event-stream\b/i.test(String(contentType))) return
    exchange.finish('failed', 504)
    const message = `Cannot finish the request to "${exchange.fragment.name}": it took too long`
    answerOwn(response, { status: 504, code: 'TIMEOUT', message, close: true })
  })
}

function earlyHints({ client }: Inbound): (hints: IncomingMessage['headers']) => void {
  return ({ link }) => {
    if (typeof link !== 'string' || client.response.headersSent) return
    try {
      client.response.writeEarlyHints({ link })
    } catch {
      // Hints are optional: one that node cannot write is left out.
    }
  }
}
