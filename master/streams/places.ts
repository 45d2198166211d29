import type { Entry } from '../../shared/change.ts'
import { RequestError } from '../../shared/errors.ts'
import type { NodeId, ReplicaId } from '../../shared/model.ts'
import type { DesiredView } from '../decide/desired.ts'
import { byPrefix, findReplica } from '../decide/intents/find.ts'
import type { Ledger } from '../ledger.ts'

/** Where a replica runs, or has run. */
export interface Place {
  readonly replica: ReplicaId
  readonly serviceName: string
  /** Undefined while it is pending. */
  readonly node?: NodeId
}

/** Whoever asks why a replica failed often comes when it has been replaced already. */
const GONE_MAX = 1_000

/** Finds replicas by what people type, also those that went lately. */
export class StreamPlaces {
  readonly #desired: DesiredView
  /** As they were while they were there: a change that removes one does not say it. */
  readonly #known = new Map<ReplicaId, Place>()
  readonly #gone = new Map<ReplicaId, Place>()

  constructor(ledger: Pick<Ledger, 'desired' | 'onCommit'>) {
    this.#desired = ledger.desired
    for (const id of ledger.desired.replicas.keys()) this.#note(id)
    ledger.onCommit((entries) => {
      for (const entry of entries) this.#follow(entry)
    })
  }

  find(text: string): Place {
    const { replicas } = this.#desired
    const isThere = replicas.has(text) || byPrefix(replicas, text) !== undefined
    const gone = isThere ? undefined : (this.#gone.get(text) ?? byPrefix(this.#gone, text))
    if (typeof gone === 'object') return gone
    const { id } = findReplica(this.#desired, text)
    return this.#known.get(id) ?? { replica: id, serviceName: id }
  }

  #follow({ change }: Entry): void {
    if (change.kind === 'replica-added') this.#note(change.replica.id)
    else if (change.kind === 'replica-assigned') this.#note(change.replica)
    else if (change.kind === 'replica-removed') this.#bury(change.replica)
  }

  #note(id: ReplicaId): void {
    const replica = this.#desired.replicas.get(id)
    if (replica === undefined) return
    const serviceName = this.#desired.services.get(replica.service)?.spec.name ?? replica.service
    const { node } = replica
    this.#known.set(id, { replica: id, serviceName, ...(node === undefined ? {} : { node }) })
  }

  #bury(id: ReplicaId): void {
    const place = this.#known.get(id)
    this.#known.delete(id)
    if (place?.node === undefined) return
    this.#gone.set(id, place)
    const [oldest] = this.#gone.keys()
    if (this.#gone.size > GONE_MAX && oldest !== undefined) this.#gone.delete(oldest)
  }
}

/** The node that can be asked; throws while there is none. */
export function nodeOf({ node, replica }: Place, purpose: string): NodeId {
  if (node !== undefined) return node
  const message = `Cannot ${purpose}: replica ${replica} has no node yet`
  throw new RequestError(409, 'PENDING', message)
}
