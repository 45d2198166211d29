import type { NodeView, ReplicaView, ServiceView } from '../../shared/api.ts'
import type { Change, Entry } from '../../shared/change.ts'
import { timeOf } from './ages.ts'
import { shortId } from './ids.ts'

/** Turns changes into sentences; remembers the names that earlier changes told. */
export class EventText {
  readonly #services = new Map<string, string>()
  readonly #nodes = new Map<string, string>()
  readonly #replicas = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  know(known: Known): void {
    for (const { id, name } of known.services ?? []) this.#services.set(id, name)
    for (const { id, name } of known.nodes ?? []) this.#nodes.set(id, name)
    for (const { id, service } of known.replicas ?? []) this.#replicas.set(id, service)
  }

  line(entry: Entry): string {
    const { change } = entry
    return `${timeOf(change.atMs)}  ${this.sentence(change)}`
  }

  sentence(change: Change): string {
    const said = `${this.#subject(change)} ${this.#what(change)}`
    this.#learn(change)
    return REPEATING.some((pattern) => pattern.test(`${said}: ${change.reason}`))
      ? said
      : `${said}: ${change.reason}`
  }

  #learn(change: Change): void {
    if (change.kind === 'node-joined') this.#nodes.set(change.node.id, change.node.name)
    if (change.kind === 'service-applied') {
      this.#services.set(change.service, change.spec.name)
      this.#counts.set(change.service, change.replicas)
    }
    if (change.kind === 'service-scaled') this.#counts.set(change.service, change.replicas)
    if (change.kind === 'replica-added') {
      this.#replicas.set(change.replica.id, change.replica.service)
    }
  }

  #subject(change: Change): string {
    if (change.kind === 'node-joined') return `node ${change.node.name}`
    if ('node' in change && !('replica' in change)) return `node ${this.#nodeName(change.node)}`
    if (change.kind === 'service-applied') return change.spec.name
    if ('service' in change) return this.#serviceName(change.service)
    if (change.kind === 'replica-added') {
      return this.#replicaName(change.replica.id, change.replica.service)
    }
    return this.#replicaName(change.replica, this.#replicas.get(change.replica))
  }

  #what(change: Change): string {
    switch (change.kind) {
      case 'node-joined':
        return 'joined'
      case 'node-condition':
        return `is ${change.condition}`
      case 'node-schedulability':
        return `is ${change.schedulability}, pool ${change.pool}`
      case 'node-removed':
        return 'is removed'
      case 'service-applied':
        return `is applied as revision ${change.revision} with ${many(change.replicas)}`
      case 'service-scaled':
        return `goes from ${this.#before(change)} to ${many(change.replicas)}`
      case 'service-failures':
        return change.failures === undefined ? 'starts again' : 'fails to start'
      case 'service-advice':
        return change.advice === undefined ? 'needs no help any more' : 'needs help'
      case 'service-removing':
        return 'is being removed'
      case 'service-removed':
        return 'is gone'
      case 'replica-added':
        return `is added${this.#placed(change.replica.node)}`
      case 'replica-assigned':
        return `is placed${this.#placed(change.node)}`
      case 'replica-pending':
        return 'waits for a place'
      case 'replica-phase':
        return isRepeated(change) ? `is ${change.reason}` : `is ${change.phase}`
      case 'replica-draining':
        return 'drains'
      case 'replica-removed':
        return 'is removed'
    }
  }

  #before(change: Extract<Change, { kind: 'service-scaled' }>): string {
    const from = change.scaling?.from ?? this.#counts.get(change.service)
    return from === undefined ? '?' : String(from)
  }

  #placed(node: string | undefined): string {
    return node === undefined ? '' : ` on ${this.#nodeName(node)}`
  }

  #serviceName(id: string): string {
    return this.#services.get(id) ?? shortId(id)
  }

  #nodeName(id: string): string {
    return this.#nodes.get(id) ?? shortId(id)
  }

  #replicaName(id: string, service: string | undefined): string {
    const short = shortId(id, [...this.#replicas.keys()])
    return service === undefined ? `replica ${short}` : `${this.#serviceName(service)}/${short}`
  }
}

/** Reasons that say no more than the change itself. */
const REPEATING = [/: $/, / joined: worker \S+ joined$/, / is (\w+)( .+)?: \1\2$/]

function isRepeated({ phase, reason }: Extract<Change, { kind: 'replica-phase' }>): boolean {
  return reason.startsWith(`${phase} on `)
}

interface Known {
  readonly services?: readonly ServiceView[]
  readonly nodes?: readonly NodeView[]
  readonly replicas?: readonly ReplicaView[]
}

function many(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`
}
