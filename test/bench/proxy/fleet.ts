/** Replicas that are real servers, each a process of its own, and the table that names them. */
import type { Endpoint, RouteFragment } from '../../../shared/model.ts'
import { freePort } from '../../support/program.ts'
import { listening } from '../peers/contenders.ts'
import type { Running, Stand } from '../peers/stand.ts'
import type { Random } from './random.ts'
import type { RouteMaster } from './route-master.ts'

export interface FleetParts {
  readonly stand: Stand
  readonly master: RouteMaster
  /** The compiled server of replicas, and how it serves. */
  readonly server: readonly string[]
}

interface Member {
  readonly running: Running
  readonly endpoint: Endpoint
}

export class Fleet {
  readonly #parts: FleetParts
  #members: readonly Member[] = []
  #started = 0
  #drained = 0

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#members.length
  }

  get started(): number {
    return this.#started
  }

  get drained(): number {
    return this.#drained
  }

  get endpoints(): readonly Endpoint[] {
    return this.#members.map(({ endpoint }) => endpoint)
  }

  /** They are in the table once they answer. */
  async grow(count: number): Promise<void> {
    const fresh = await Promise.all(Array.from({ length: count }, () => this.#start()))
    this.#members = [...this.#members, ...fresh]
    this.#publish()
  }

  /** They are killed once no request can reach them any more. */
  async drain(count: number, random: Random): Promise<void> {
    const leaving = Array.from({ length: count }, () => this.#takeOut(random))
    this.#publish()
    await Promise.all(
      leaving.map(async (member) => {
        await this.#parts.master.drained(member.endpoint.replica)
        await this.#parts.stand.end(member.running)
      }),
    )
    this.#drained += leaving.length
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ running }) => this.#parts.stand.end(running)))
    this.#members = []
  }

  async #start(): Promise<Member> {
    const port = await freePort()
    this.#started += 1
    const replica = `web-${this.#started}`
    const running = this.#parts.stand.start([...this.#parts.server, `port=${port}`])
    await listening(running, replica, port)
    return { running, endpoint: endpointOf(replica, port) }
  }

  #takeOut(random: Random): Member {
    const member = this.#members[random.below(this.#members.length)]
    if (member === undefined) throw new Error('Cannot drain a replica: there is none')
    this.#members = this.#members.filter((other) => other !== member)
    return member
  }

  #publish(): void {
    this.#parts.master.publish([webFragment(this.endpoints)])
  }
}

export function endpointOf(replica: string, port: number): Endpoint {
  return { replica, node: 'n1', host: '127.0.0.1', port, suspect: false }
}

export function webFragment(endpoints: readonly Endpoint[]): RouteFragment {
  return {
    service: 'web',
    name: 'web',
    objective: { percentile: 95, latencyTargetMs: 100 },
    routes: [{ path: '/' }],
    endpoints,
  }
}
