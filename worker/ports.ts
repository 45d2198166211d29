/** Host ports: one per replica, kept across restarts of both. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { RequestError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ReplicaId } from '../shared/model.ts'
import { KeptFile } from './kept-file.ts'
import { portsSchema } from './shapes.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Writing `20000-29999`. */
export function parsePortRange(raw: string): PortRange {
  const matched = /^(\d{1,5})-(\d{1,5})$/.exec(raw)
  const range = { first: Number(matched?.[1]), last: Number(matched?.[2]) }
  if (range.first >= 1 && range.first <= range.last && range.last <= 65_535) return range
  throw new Error('expected a range of ports like 20000-29999')
}

/** So many are remembered; then each gets another chance. */
const BARRED_MAX = 100

export class Ports {
  readonly #range: PortRange
  readonly #file: KeptFile<Record<string, number>>
  readonly #taken = new Map<ReplicaId, number>()
  /** Somebody has them whom this worker cannot see. */
  readonly #barred = new Set<number>()
  #next = 0

  private constructor(range: PortRange, file: KeptFile<Record<string, number>>) {
    this.#range = range
    this.#file = file
  }

  static async load(range: PortRange, directory: string, log: Log): Promise<Ports> {
    const ports = new Ports(range, new KeptFile(join(directory, 'ports.json'), portsSchema, log))
    const kept = (await ports.#file.read()) ?? {}
    for (const [replica, port] of Object.entries(kept)) ports.#taken.set(replica, port)
    return ports
  }

  /** Workers that share a machine start their search in different places. */
  startFrom(node: string): void {
    this.#next = hash(node) % this.#size
  }

  /** A running replica has this port, whatever was written down. */
  adopt(replica: ReplicaId, port: number): void {
    this.#taken.set(replica, port)
  }

  /** The port that the replica had, else the fixed one, else the next free one of the range. */
  async take(replica: ReplicaId, fixed?: number): Promise<number> {
    const before = this.#taken.get(replica)
    const wanted = fixed ?? before
    if (wanted !== undefined && (await this.#isFree(replica, wanted))) {
      return this.#keep(replica, wanted)
    }
    if (fixed !== undefined) {
      throw new RequestError(409, 'PORT_IN_USE', `Cannot use port ${fixed}: it is in use here`)
    }
    return this.#keep(replica, await this.#search(replica))
  }

  /** The runtime could not have this port: the replica gets another, and nobody this one. */
  async bar(replica: ReplicaId, port: number): Promise<void> {
    if (this.#barred.size >= BARRED_MAX) this.#barred.clear()
    this.#barred.add(port)
    await this.release(replica)
  }

  async release(replica: ReplicaId): Promise<void> {
    if (this.#taken.delete(replica)) await this.#save()
  }

  /** Forgets the ports of all replicas but these: others will not come back here. */
  async retain(replicas: ReadonlySet<ReplicaId>): Promise<void> {
    const lapsed = [...this.#taken.keys()].filter((replica) => !replicas.has(replica))
    for (const replica of lapsed) this.#taken.delete(replica)
    if (lapsed.length > 0) await this.#save()
  }

  get #size(): number {
    return this.#range.last - this.#range.first + 1
  }

  async #search(replica: ReplicaId): Promise<number> {
    for (let tries = 0; tries < this.#size; tries += 1) {
      const port = this.#range.first + this.#next
      this.#next = (this.#next + 1) % this.#size
      if (await this.#isFree(replica, port)) return port
    }
    const { first, last } = this.#range
    throw new RequestError(507, 'NO_PORT', `Cannot take a port: ${first}-${last} are all in use`)
  }

  async #isFree(replica: ReplicaId, port: number): Promise<boolean> {
    if (this.#barred.has(port)) return false
    for (const [owner, taken] of this.#taken) {
      if (taken === port && owner !== replica) return false
    }
    // Held while it is tested: another replica must not be given the same one meanwhile.
    const before = this.#taken.get(replica)
    this.#taken.set(replica, port)
    if (await canListen(port)) return true
    if (before === undefined) this.#taken.delete(replica)
    else this.#taken.set(replica, before)
    return false
  }

  async #keep(replica: ReplicaId, port: number): Promise<number> {
    this.#taken.set(replica, port)
    await this.#save()
    return port
  }

  #save(): Promise<void> {
    return this.#file.write(Object.fromEntries(this.#taken))
  }
}

/** On all addresses, because a listener on any of them is in the way. */
function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(false))
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/** FNV-1a: spreads similar names far apart. */
function hash(name: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < name.length; at += 1) {
    value = Math.imul(value ^ name.charCodeAt(at), 0x01000193) >>> 0
  }
  return value
}
