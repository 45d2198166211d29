/** Many clients that never try again, and how their requests ended. */
import { systemClock } from '../../../shared/clock.ts'
import { OneTryClient, type Verdict } from './one-try-client.ts'

export interface Ended {
  readonly requests: number
  readonly failed: number
  /** Why, and how often. */
  readonly reasons: Readonly<Record<string, number>>
}

const PAUSE_MAX_MS = 20
const NUMBERS = 1_000_000

class Ledger {
  #requests = 0
  #failed = 0
  readonly #reasons = new Map<string, number>()

  get requests(): number {
    return this.#requests
  }

  nextNumber(): number {
    return this.#requests % NUMBERS
  }

  count(verdict: Verdict): void {
    this.#requests += 1
    if (verdict === undefined) return
    this.#failed += 1
    this.#reasons.set(verdict, (this.#reasons.get(verdict) ?? 0) + 1)
  }

  ended(): Ended {
    return {
      requests: this.#requests,
      failed: this.#failed,
      reasons: Object.fromEntries(this.#reasons),
    }
  }
}

export interface Crowd {
  readonly requests: number
  /** No client asks again; answers once the last request has ended. */
  stop(): Promise<Ended>
}

/** Clients in closed loops, with a short pause in which a connection may go. */
export function closedCrowd(port: number, kept: number, fresh: number): Crowd {
  const ledger = new Ledger()
  const stopping = new AbortController()
  const clients = [
    ...Array.from({ length: kept }, () => new OneTryClient({ port, keepAlive: true })),
    ...Array.from({ length: fresh }, () => new OneTryClient({ port, keepAlive: false })),
  ]
  const loops = clients.map((client) => loop(client, ledger, stopping.signal))
  return crowdOf(ledger, async () => {
    stopping.abort()
    await Promise.all(loops)
  })
}

/** Requests at a steady rate, each on a kept connection that is free, or on a new one. */
export function openCrowd(port: number, perSecond: number): Crowd {
  const ledger = new Ledger()
  const idle: OneTryClient[] = []
  const open = new Set<Promise<void>>()
  const stopping = new AbortController()
  const send = async (number: number): Promise<void> => {
    const client = idle.pop() ?? new OneTryClient({ port, keepAlive: true })
    ledger.count(await client.ask(number))
    idle.push(client)
  }
  const sending = atRate(perSecond, stopping.signal, (number) => {
    const sent = send(number % NUMBERS).finally(() => open.delete(sent))
    open.add(sent)
  })
  return crowdOf(ledger, async () => {
    stopping.abort()
    await sending
    await Promise.all(open)
    for (const client of idle) client.close()
  })
}

/** The crowd asks while the task goes on, and stops with it however that ends. */
export async function during(crowd: Crowd, task: () => Promise<void>): Promise<Ended> {
  try {
    await task()
  } catch (error) {
    await crowd.stop()
    throw error
  }
  return crowd.stop()
}

function crowdOf(ledger: Ledger, stop: () => Promise<void>): Crowd {
  return {
    get requests() {
      return ledger.requests
    },
    stop: async () => {
      await stop()
      return ledger.ended()
    },
  }
}

async function loop(client: OneTryClient, ledger: Ledger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    ledger.count(await client.ask(ledger.nextNumber()))
    await systemClock.sleep(Math.random() * PAUSE_MAX_MS)
  }
  client.close()
}

/** What is due is sent, also when a timer came late. */
async function atRate(
  perSecond: number,
  signal: AbortSignal,
  send: (number: number) => void,
): Promise<void> {
  const startedMs = systemClock.nowMs()
  for (let sent = 0; !signal.aborted; ) {
    const due = ((systemClock.nowMs() - startedMs) / 1000) * perSecond
    for (; sent < due; sent += 1) send(sent)
    await systemClock.sleep(1000 / perSecond)
  }
}
