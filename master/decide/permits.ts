import type { ProxyId, ReplicaId, Service } from '../../shared/model.ts'
import { type MeasuredStretch, PermitLearner } from '../../shared/permit-learner.ts'

/** What a replica may have in flight, over all proxies: as its user says, else as it was learned. */
export class Permits {
  readonly #learner = new PermitLearner()

  hear(stretch: MeasuredStretch, nowMs: number): void {
    this.#learner.add(stretch, nowMs)
  }

  of({ id, spec }: Pick<Service, 'id' | 'spec'>, replica: ReplicaId): number {
    return spec.concurrency ?? this.#learner.permits(id, replica)
  }

  /** Whether a queue in front of the permits is demand, not a limit of ours that is too low. */
  isLearned({ id, spec }: Pick<Service, 'id' | 'spec'>): boolean {
    return spec.concurrency !== undefined || this.#learner.isLearned(id)
  }

  /** Services that no longer exist are forgotten. */
  keepOnly(services: { has(service: string): boolean }): void {
    this.#learner.keepOnly(services)
  }
}

/** One proxy's need of a service. */
export interface Demanded {
  readonly proxy: ProxyId
  readonly demand: number
}

interface Share {
  readonly proxy: ProxyId
  readonly whole: number
  readonly rest: number
  readonly turn: number
}

/**
 * This proxy's part of a replica's permits: one for each proxy, the others by demand. The parts add
 * up to the permits, unless there are fewer of these than proxies.
 */
export function shareOf(
  proxy: ProxyId,
  replica: ReplicaId,
  permits: number,
  demanded: readonly Demanded[],
): number {
  const all = demanded.reduce((total, { demand }) => total + demand, 0)
  const free = Math.max(0, permits - demanded.length)
  const shares = demanded.map((one): Share => {
    const exact = all === 0 ? free / demanded.length : (free * one.demand) / all
    const whole = Math.floor(exact)
    return { proxy: one.proxy, whole, rest: exact - whole, turn: turnOf(one.proxy + replica) }
  })
  let left = free - shares.reduce((total, { whole }) => total + whole, 0)
  for (const share of shares.sort(byRest)) {
    const extra = left > 0 ? 1 : 0
    left -= extra
    if (share.proxy === proxy) return 1 + share.whole + extra
  }
  return 1
}

function byRest(a: Share, b: Share): number {
  return b.rest - a.rest || a.turn - b.turn || (a.proxy < b.proxy ? -1 : 1)
}

/** What cannot be divided goes to another proxy at each replica. */
function turnOf(text: string): number {
  let hash = 2_166_136_261
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619)
  }
  return hash
}
