import type { Exchange, Failure } from '../exchange.ts'
import type { Asked, Asking } from './asking.ts'
import type { Inbound } from './inbound.ts'
import { answerOwn, type OwnAnswer, unavailable } from './own-answer.ts'
import { isEventStream, relay } from './relay.ts'

type Unanswered = Extract<Asked, { kind: 'nobody' | 'gave-up' }>

/** Brings what the asking came to to the client, and the measure of it to the meter. */
export async function deliver(
  inbound: Inbound,
  exchange: Exchange,
  asked: Exclude<Asked, { kind: 'upgraded' }>,
  asking: Asking,
): Promise<void> {
  if (asked.kind !== 'answered') {
    if (asking.signal.aborted) exchange.finish('aborted')
    else refuse(inbound, exchange, asked)
    return
  }
  const status = asked.answer.statusCode ?? 502
  exchange.answered()
  const lasting = isEventStream(asked.answer)
  if (lasting) exchange.becameLasting()
  const relayed = await relay(inbound, asked, asking)
  if (relayed === 'refused') refuse(inbound, exchange, { kind: 'gave-up', failure: 'sent' })
  else if (lasting) exchange.finish('lasting', status)
  else if (relayed === 'client-gone') exchange.finish('aborted')
  else exchange.finish(relayed === 'complete' && status < 500 ? 'answered' : 'failed', status)
}

export function refuse(inbound: Inbound, exchange: Exchange, asked: Unanswered): void {
  const answer = refusal(exchange, asked)
  exchange.finish(asked.kind === 'nobody' ? 'unserved' : 'failed', answer.status)
  const { request, response } = inbound.client
  const unread = inbound.body.kind === 'stream' && !request.readableEnded
  answerOwn(response, { ...answer, close: unread })
}

function refusal(exchange: Exchange, asked: Unanswered): OwnAnswer {
  const { name } = exchange.fragment
  if (asked.kind === 'nobody') return unavailable(`Cannot reach "${name}": ${exchange.absence}`)
  const message = `Cannot reach "${name}": ${FAILURES[asked.failure]}`
  if (asked.failure === 'timeout') return { status: 504, code: 'TIMEOUT', message }
  return { status: 502, code: 'BAD_GATEWAY', message }
}

const FAILURES: Readonly<Record<Failure, string>> = {
  connect: 'its replica does not accept connections',
  stale: 'its replica closed the connection',
  silent: 'its replica closed the connection',
  sent: 'its replica gave no valid answer',
  timeout: 'its replica did not answer in time',
}
