import type { ReplicaId } from '../../shared/model.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Transports } from './transport.ts'
import { type Asker, UpstreamConnection } from './upstream-connection.ts'

/** The connections to replicas: kept where they may be used again, bounded per replica. */
export class Upstreams {
  readonly #transports: Transports
  readonly #idle = new Map<ReplicaState, UpstreamConnection[]>()
  readonly #open = new Set<UpstreamConnection>()
  readonly #perReplica = new Map<ReplicaId, number>()
  readonly #release = (upstream: UpstreamConnection): void => this.#forget(upstream)

  constructor(transports: Transports) {
    this.#transports = transports
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * A connection to the replica, leased to who asks: one that is kept and was not idle for longer
   * than that, else a new one; undefined when it has too many already.
   */
  lease(
    replica: ReplicaState,
    asker: Asker,
    parts: EngineParts,
    idleMaxMs: number,
  ): UpstreamConnection | undefined {
    const kept = this.#kept(replica, parts.deadlines.nowMs - idleMaxMs)
    if (kept !== undefined) {
      kept.lease(asker)
      return kept
    }
    const open = this.#perReplica.get(replica.id) ?? 0
    if (open >= parts.limits.upstreamConnectionsMax) return undefined
    return this.#opened(replica, asker, parts)
  }

  /** Takes back one whose exchange is complete. */
  giveBack(upstream: UpstreamConnection, nowMs: number): void {
    upstream.rest(nowMs)
    const idle = this.#idle.get(upstream.replica)
    if (idle === undefined) this.#idle.set(upstream.replica, [upstream])
    else idle.push(upstream)
  }

  /** Who waits for one of these replicas, and may ask another, need not wait any longer. */
  lost(replicas: readonly ReplicaId[]): void {
    const ids = new Set(replicas)
    for (const upstream of [...this.#open]) {
      if (ids.has(upstream.replica.id)) upstream.giveUp()
    }
  }

  destroyAll(): void {
    for (const upstream of [...this.#open]) upstream.destroy()
  }

  /** The latest used is the last: when it is too old, all of them are. */
  #kept(replica: ReplicaState, usedSinceMs: number): UpstreamConnection | undefined {
    const idle = this.#idle.get(replica)
    if (idle === undefined || idle.length === 0) return undefined
    const latest = idle[idle.length - 1]
    if (latest === undefined || latest.idleSinceMs < usedSinceMs) return undefined
    idle.pop()
    if (latest.isAt(replica.endpoint)) return latest
    latest.destroy()
    return undefined
  }

  #opened(replica: ReplicaState, asker: Asker, parts: EngineParts): UpstreamConnection {
    const upstream = new UpstreamConnection(replica, parts, this.#release)
    this.#open.add(upstream)
    this.#perReplica.set(replica.id, (this.#perReplica.get(replica.id) ?? 0) + 1)
    upstream.lease(asker)
    parts.deadlines.watch(upstream)
    upstream.over(this.#transports.connect(replica.endpoint, upstream))
    return upstream
  }

  #forget(upstream: UpstreamConnection): void {
    this.#open.delete(upstream)
    upstream.parts.deadlines.forget(upstream)
    const idle = this.#idle.get(upstream.replica)
    const at = idle?.lastIndexOf(upstream) ?? -1
    if (at >= 0) idle?.splice(at, 1)
    if (idle?.length === 0) this.#idle.delete(upstream.replica)
    const left = (this.#perReplica.get(upstream.replica.id) ?? 1) - 1
    if (left > 0) this.#perReplica.set(upstream.replica.id, left)
    else this.#perReplica.delete(upstream.replica.id)
  }
}
