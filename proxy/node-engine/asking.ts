import type { Agent, IncomingMessage } from 'node:http'
import type { EngineLimits } from '../engine.ts'
import type { Exchange, Failure } from '../exchange.ts'
import type { Traffic } from '../traffic.ts'
import { type Attempted, attempt } from './attempt.ts'
import type { Connections } from './connections.ts'
import { type Inbound, isRepeatable } from './inbound.ts'

/** What every request on its way needs. */
export interface Forwarding {
  readonly traffic: Traffic
  readonly limits: EngineLimits
  readonly pool: Agent
  readonly connections: Connections
}

export interface Asking {
  /** A pool of kept connections, or a connection of its own. */
  readonly agent: Agent | false
  readonly limits: EngineLimits
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
}

export type Asked =
  | Exclude<Attempted, { kind: 'failed' }>
  /** No replica is left to ask. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'gave-up'; readonly failure: Failure }

/** Asks one replica after the other, for as long as asking again is safe. */
export async function ask(inbound: Inbound, exchange: Exchange, asking: Asking): Promise<Asked> {
  const { limits, signal } = asking
  const onEarlyHints = earlyHints(inbound)
  // What cannot be repeated waits on: its replica may be well, and only out of the master's sight.
  const whenLost = isRepeatable(inbound)
    ? (hear: () => void): (() => void) => exchange.whenLost(hear)
    : () => () => undefined
  let { agent } = asking
  for (let attempts = 1; ; attempts += 1) {
    const endpoint = exchange.choose()
    if (endpoint === undefined) return { kind: 'nobody' }
    const options = { agent, limits, signal, onEarlyHints, whenLost }
    const attempted = await attempt(inbound, endpoint, options)
    if (attempted.kind !== 'failed') return attempted
    const { failure } = attempted
    if (signal.aborted) return { kind: 'gave-up', failure }
    const mayAgain = attempts < limits.attemptsMax && isUntouched(inbound, failure)
    if (!exchange.failed(failure, mayAgain)) return { kind: 'gave-up', failure }
    // Where one kept connection was stale others may be.
    if (failure === 'stale') agent = false
  }
}

/** Whether another replica can be asked for the same with no risk of doing it twice. */
function isUntouched(inbound: Inbound, failure: Failure): boolean {
  if (failure === 'connect') return true
  const unanswered = failure === 'stale' || failure === 'silent'
  return unanswered && isRepeatable(inbound)
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
