import type { ReplicaId, RouteFragment, RouteRevision, ServiceId } from '../shared/model.ts'
import { type RoutesAnswer, WIRE_VERSION } from '../shared/protocol.ts'
import type { Published } from './decide/observed.ts'
import { WaitingRoom } from './waiting-room.ts'

interface Versioned {
  readonly fragment: RouteFragment
  readonly text: string
  readonly seq: number
}

const RETIRED_MAX = 10_000
const REMOVED_MAX = 1_000

/** The routing table as published, and what changed since any revision of it. */
export class RouteTable {
  readonly #epoch: number
  readonly #fragments = new Map<ServiceId, Versioned>()
  readonly #removed = new Map<ServiceId, number>()
  readonly #retired = new Map<ReplicaId, number>()
  readonly #changes = new WaitingRoom()
  #routed: ReadonlySet<ReplicaId> = new Set()
  #seq = 0
  /** Deltas reach back to here; older askers get the whole table. */
  #oldestSeq = 0

  constructor(epoch: number) {
    this.#epoch = epoch
  }

  get published(): Published {
    const revision = this.#seq === 0 ? {} : { revision: { epoch: this.#epoch, seq: this.#seq } }
    return { ...revision, routed: this.#routed, retired: this.#retired }
  }

  get fragments(): readonly RouteFragment[] {
    return [...this.#fragments.values()].map(({ fragment }) => fragment)
  }

  /** Puts a table in force; everything that differs gets the next sequence number. */
  publish(fragments: readonly RouteFragment[]): boolean {
    const seq = this.#seq + 1
    const changed = fragments.filter((fragment) => {
      const text = JSON.stringify(fragment)
      if (this.#fragments.get(fragment.service)?.text === text) return false
      this.#fragments.set(fragment.service, { fragment, text, seq })
      this.#removed.delete(fragment.service)
      return true
    })
    const dropped = this.#dropMissing(new Set(fragments.map(({ service }) => service)), seq)
    if (changed.length === 0 && dropped === 0 && this.#seq > 0) return false
    this.#seq = seq
    this.#retire(seq)
    this.#changes.ring()
    return true
  }

  /** The delta or snapshot after a revision, as soon as there is one or the wait ends. */
  async after(from: RouteRevision | undefined, signal: AbortSignal): Promise<RoutesAnswer> {
    while (!signal.aborted && (this.#seq === 0 || this.#isCurrent(from))) {
      await this.#changes.next(signal)
    }
    if (this.#isCurrent(from) || this.#seq === 0) return this.#answer(false, [], [])
    if (from === undefined || from.epoch !== this.#epoch || from.seq < this.#oldestSeq) {
      return this.#answer(true, this.fragments, [])
    }
    const fresh = [...this.#fragments.values()].filter(({ seq }) => seq > from.seq)
    const gone = [...this.#removed].filter(([, seq]) => seq > from.seq).map(([service]) => service)
    return this.#answer(
      false,
      fresh.map(({ fragment }) => fragment),
      gone,
    )
  }

  #isCurrent(from: RouteRevision | undefined): boolean {
    return from !== undefined && from.epoch === this.#epoch && from.seq === this.#seq
  }

  #answer(
    snapshot: boolean,
    fragments: readonly RouteFragment[],
    removed: readonly ServiceId[],
  ): RoutesAnswer {
    const revision = { epoch: this.#epoch, seq: this.#seq }
    return JSON.parse(
      JSON.stringify({ wire: WIRE_VERSION, revision, snapshot, fragments, removed }),
    )
  }

  #dropMissing(present: ReadonlySet<ServiceId>, seq: number): number {
    const missing = [...this.#fragments.keys()].filter((service) => !present.has(service))
    for (const service of missing) {
      this.#fragments.delete(service)
      this.#removed.set(service, seq)
    }
    while (this.#removed.size > REMOVED_MAX) {
      const [service, at] = this.#removed.entries().next().value ?? ['', seq]
      this.#removed.delete(service)
      this.#oldestSeq = at
    }
    return missing.length
  }

  #retire(seq: number): void {
    const now = new Set(this.fragments.flatMap((f) => f.endpoints.map(({ replica }) => replica)))
    for (const replica of this.#routed) if (!now.has(replica)) this.#retired.set(replica, seq)
    for (const replica of now) this.#retired.delete(replica)
    while (this.#retired.size > RETIRED_MAX) {
      this.#retired.delete(this.#retired.keys().next().value ?? '')
    }
    this.#routed = now
  }
}
