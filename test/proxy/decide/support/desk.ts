import type { ReplicaState } from '../../../../proxy/decide/replica-state.ts'
import { type Placed, ServiceQueue, type VisitEnd } from '../../../../proxy/decide/service-queue.ts'
import type { Waiting } from '../../../../proxy/decide/waiting.ts'
import type { Balance, Endpoint } from '../../../../shared/model.ts'
import { LIMITS, RULES_ON } from './limits.ts'
import { randomOf } from './random.ts'
import { fragmentOf } from './table.ts'
import { Ticket } from './ticket.ts'

export interface DeskOptions {
  readonly replicas?: readonly string[]
  readonly endpoints?: readonly Endpoint[]
  readonly permits?: number
  readonly balance?: Balance
  readonly comes?: boolean
  readonly limits?: Partial<typeof LIMITS>
  readonly rules?: Partial<typeof RULES_ON>
}

/** A queue, and the few words that tests speak with it. */
export class Desk {
  readonly queue: ServiceQueue
  nowMs = 0
  readonly #options: DeskOptions

  constructor(options: DeskOptions) {
    const rules = { ...RULES_ON, ...options.rules }
    this.#options = options
    this.queue = new ServiceQueue({ ...LIMITS, ...options.limits, rules }, randomOf(1))
    const { replicas = [], endpoints = replicas.map((id) => endpoint(id)), permits } = options
    if (permits !== undefined) {
      this.queue.put(new Map(endpoints.map(({ replica }) => [replica, permits])), true)
    }
    this.table(endpoints)
  }

  table(endpoints: readonly Endpoint[], comes = this.#options.comes): void {
    const { balance } = this.#options
    const extra = { ...(balance && { balance }), ...(comes !== undefined && { comes }) }
    this.queue.update(fragmentOf(endpoints, extra), this.nowMs)
  }

  arrive(name = 'request', affinity?: string): Placed {
    return this.queue.arrive(new Ticket(name, this.nowMs, affinity), this.nowMs)
  }

  /** Arrives and must be placed; answers where. */
  place(name?: string, affinity?: string): ReplicaState {
    const placed = this.arrive(name, affinity)
    if (typeof placed === 'string') throw new Error(`it ${placed}`)
    return placed
  }

  end(replica: ReplicaState, end: Partial<VisitEnd> = {}): void {
    if (end.kind === undefined) this.queue.answered(replica, this.nowMs)
    const usual = {
      kind: 'answered',
      upstreamMs: 10,
      status: 200,
      crowd: replica.inFlight,
    } as const
    this.queue.end(replica, { ...usual, ...end }, this.nowMs)
  }

  /** Asks it so often, each time for so long: what it takes is known then. */
  teach(id: string, upstreamMs: number, times = 60, crowd = 1): void {
    for (let time = 0; time < times; time += 1) {
      const replica = this.state(id)
      replica.taken(0, this.nowMs)
      this.queue.answered(replica, this.nowMs)
      this.queue.end(replica, { kind: 'answered', upstreamMs, status: 200, crowd }, this.nowMs)
    }
  }

  fail(id: string, times: number, end: Partial<VisitEnd> = {}): void {
    for (let time = 0; time < times; time += 1) {
      this.state(id).taken(0, this.nowMs)
      this.end(this.state(id), { kind: 'failed', status: 0, upstreamMs: 1, ...end })
    }
  }

  state(id: string): ReplicaState {
    const state = this.queue.replicas.get(id)
    if (state === undefined) throw new Error(`there is no ${id}`)
    return state
  }

  /** Lets go who may go; answers "request > replica" for each. */
  pump(): string[] {
    const gone: string[] = []
    while (this.queue.next(this.nowMs)) {
      gone.push(`${nameOf(this.queue.item)} > ${this.queue.replica?.id}`)
    }
    return gone
  }

  expired(): string[] {
    const names: string[] = []
    for (;;) {
      const item = this.queue.expired(this.nowMs)
      if (item === undefined) return names
      names.push(nameOf(item))
    }
  }

  /** Where the next so many go that stay there. */
  picks(count: number): string[] {
    return Array.from({ length: count }, () => this.place().id)
  }

  /** Where the next so many go that are answered at once. */
  visits(count: number, upstreamMs = 10): string[] {
    return Array.from({ length: count }, () => {
      const replica = this.place()
      this.end(replica, { upstreamMs, kind: 'answered' })
      return replica.id
    })
  }
}

export function endpoint(replica: string, extra: Partial<Endpoint> = {}): Endpoint {
  return { replica, node: 'n', host: '127.0.0.1', port: 1, suspect: false, ...extra }
}

function nameOf(item: Waiting | undefined): string {
  return item instanceof Ticket ? item.name : 'nobody'
}

export function countsOf(ids: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}
