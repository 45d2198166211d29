/** A service behind proxies, in virtual time: requests queue at proxies and inside replicas. */
import type { ReplicaMeasurement, ServiceMeasurement } from '../../../shared/protocol.ts'
import { Chance, Timeline } from './timeline.ts'

export interface WorldShape {
  readonly seed?: number
  /** What one replica works on at once; the others wait inside it. */
  readonly slots: number
  readonly serviceMs: number
  /** How much service times differ; 0.5 is usual. */
  readonly sigma?: number
  /** One number per replica: how much slower than usual it is. */
  readonly slowness?: readonly number[]
  /** Requests per second of each proxy. */
  readonly rates: readonly number[]
  readonly reportEveryMs?: number
}

export type Permits = Readonly<Record<string, number>>
export interface Reported {
  readonly proxy: string
  readonly seq: number
  readonly durationMs: number
  readonly nowMs: number
  readonly measured: ServiceMeasurement
}

interface Request {
  readonly proxy: Door
  readonly arrivedAtMs: number
  sentAtMs: number
}

/** An array that is not moved with each request that leaves it. */
class Fifo {
  #items: Request[] = []
  #from = 0

  get length(): number {
    return this.#items.length - this.#from
  }

  get first(): Request | undefined {
    return this.#items[this.#from]
  }

  push(request: Request): void {
    this.#items.push(request)
  }

  shift(): Request | undefined {
    const first = this.first
    if (first !== undefined) this.#from += 1
    if (this.#from > 1_000) this.#items = this.#items.slice(this.#from)
    if (this.#from > 1_000) this.#from = 0
    return first
  }
}

class Replica {
  readonly id: string
  slowness: number
  busy = 0
  readonly waiting = new Fifo()

  constructor(id: string, slowness: number) {
    this.id = id
    this.slowness = slowness
  }
}

interface Sums {
  arrivals: number
  errors: number
  inFlight: number
  areaMs: number
  untilMs: number
  upstreamMs: number
}

/** One proxy: its queue, its share, and what it measured since its last report. */
class Door {
  readonly id: string
  rate: number
  permits: Permits = {}
  readonly queue = new Fifo()
  readonly sums = new Map<string, Sums>()
  arrivals = 0
  queueMs = 0
  queueUntilMs = 0
  cutAtMs = 0
  seq = 0

  constructor(id: string, rate: number) {
    this.id = id
    this.rate = rate
  }
}

export class QueueingWorld {
  readonly time = new Timeline()
  readonly replicas: readonly Replica[]
  readonly proxies: readonly Door[]
  serviceMs: number
  slots: number
  /** Each request fails at once with this probability. */
  failing = 0
  /** Each client asks again as soon as it is answered. */
  returning = false
  ended = 0
  readonly #chance: Chance
  readonly #sigma: number
  readonly #learn: (reported: Reported) => Permits

  constructor(shape: WorldShape, learn: (reported: Reported) => Permits) {
    const { seed = 1, slowness = [1], rates, reportEveryMs = 1_000 } = shape
    this.#chance = new Chance(seed)
    this.#sigma = shape.sigma ?? 0.5
    this.#learn = learn
    this.serviceMs = shape.serviceMs
    this.slots = shape.slots
    this.replicas = slowness.map((slow, at) => new Replica(`r${at + 1}`, slow))
    this.proxies = rates.map((rate, at) => new Door(`p${at + 1}`, rate))
    this.proxies.forEach((proxy, at) => {
      this.#arriveLater(proxy)
      // Proxies report at different moments.
      const firstMs = (reportEveryMs * (at + 1)) / this.proxies.length
      this.time.at(firstMs, () => this.#report(proxy, reportEveryMs))
    })
  }

  run(seconds: number): void {
    this.time.runUntil(this.time.nowMs + seconds * 1_000)
  }

  setRate(requestsPerSecond: number): void {
    for (const proxy of this.proxies) proxy.rate = requestsPerSecond / this.proxies.length
  }

  inFlight(replica: string): number {
    return this.proxies.reduce((sum, { sums }) => sum + (sums.get(replica)?.inFlight ?? 0), 0)
  }

  get waiting(): number {
    return this.proxies.reduce((sum, { queue }) => sum + queue.length, 0)
  }

  /** So many come at one moment, spread over the proxies. */
  burst(requests: number): void {
    for (let count = 0; count < requests; count += 1) {
      const proxy = this.proxies[count % this.proxies.length]
      if (proxy !== undefined) this.#arrive(proxy)
    }
  }

  #arriveLater(proxy: Door): void {
    const waitMs = proxy.rate > 0 ? this.#chance.exponential(1_000 / proxy.rate) : 100
    this.time.at(this.time.nowMs + waitMs, () => {
      if (proxy.rate > 0) this.#arrive(proxy)
      this.#arriveLater(proxy)
    })
  }

  #arrive(proxy: Door): void {
    this.#growQueue(proxy)
    proxy.arrivals += 1
    proxy.queue.push({ proxy, arrivedAtMs: this.time.nowMs, sentAtMs: 0 })
    this.#dispatch(proxy)
  }

  #dispatch(proxy: Door): void {
    for (let request = proxy.queue.first; request !== undefined; request = proxy.queue.first) {
      const replica = this.#choose(proxy)
      if (replica === undefined) return
      this.#growQueue(proxy)
      proxy.queue.shift()
      request.sentAtMs = this.time.nowMs
      const sums = this.#sums(proxy, replica)
      grow(sums, this.time.nowMs)
      sums.arrivals += 1
      sums.inFlight += 1
      this.#take(replica, request)
    }
  }

  /** The replica with a free permit that has the least of this proxy's requests. */
  #choose(proxy: Door): Replica | undefined {
    let best: Replica | undefined
    for (const replica of this.replicas) {
      const { inFlight } = this.#sums(proxy, replica)
      if (inFlight >= (proxy.permits[replica.id] ?? 16)) continue
      if (best === undefined || inFlight < this.#sums(proxy, best).inFlight) best = replica
    }
    return best
  }

  #take(replica: Replica, request: Request): void {
    if (this.#chance.uniform() < this.failing) {
      this.time.at(this.time.nowMs + 1, () => this.#leave(replica, request, true))
      return
    }
    if (replica.busy < this.slots) this.#work(replica, request)
    else replica.waiting.push(request)
  }

  #work(replica: Replica, request: Request): void {
    replica.busy += 1
    const tookMs = this.#chance.lognormal(this.serviceMs * replica.slowness, this.#sigma)
    this.time.at(this.time.nowMs + tookMs, () => {
      replica.busy -= 1
      const next = replica.busy < this.slots ? replica.waiting.shift() : undefined
      if (next !== undefined) this.#work(replica, next)
      this.#leave(replica, request, false)
    })
  }

  #leave(replica: Replica, { proxy, sentAtMs }: Request, failed: boolean): void {
    const sums = this.#sums(proxy, replica)
    grow(sums, this.time.nowMs)
    sums.inFlight -= 1
    sums.upstreamMs += this.time.nowMs - sentAtMs
    if (failed) sums.errors += 1
    this.ended += 1
    if (this.returning) this.#arrive(proxy)
    else this.#dispatch(proxy)
  }

  #report(proxy: Door, everyMs: number): void {
    const { nowMs } = this.time
    this.#growQueue(proxy)
    const replicas = [...proxy.sums].map(([replica, sums]) => cut(replica, sums, nowMs))
    const { arrivals, queueMs, queue } = proxy
    const latency = { sumMs: 0, buckets: [] }
    const counts = { arrivals, errors: 0, queued: queue.length, queueMs }
    const measured = { service: 'web', ...counts, latency, replicas }
    proxy.seq += 1
    const durationMs = nowMs - proxy.cutAtMs
    const { id, seq } = proxy
    proxy.permits = this.#learn({ proxy: id, seq, durationMs, nowMs, measured })
    proxy.arrivals = 0
    proxy.queueMs = 0
    proxy.cutAtMs = nowMs
    this.#dispatch(proxy)
    this.time.at(nowMs + everyMs, () => this.#report(proxy, everyMs))
  }

  #growQueue(proxy: Door): void {
    proxy.queueMs += proxy.queue.length * (this.time.nowMs - proxy.queueUntilMs)
    proxy.queueUntilMs = this.time.nowMs
  }

  #sums(proxy: Door, { id }: Replica): Sums {
    const known = proxy.sums.get(id)
    if (known !== undefined) return known
    const { nowMs } = this.time
    const sums: Sums = {
      ...{ arrivals: 0, errors: 0, inFlight: 0, areaMs: 0, untilMs: nowMs, upstreamMs: 0 },
    }
    proxy.sums.set(id, sums)
    return sums
  }
}

function grow(sums: Sums, nowMs: number): void {
  sums.areaMs += sums.inFlight * (nowMs - sums.untilMs)
  sums.untilMs = nowMs
}

function cut(replica: string, sums: Sums, nowMs: number): ReplicaMeasurement {
  grow(sums, nowMs)
  const { arrivals, errors, inFlight, areaMs: inFlightAreaMs, upstreamMs } = sums
  sums.arrivals = 0
  sums.errors = 0
  sums.areaMs = 0
  sums.upstreamMs = 0
  return { replica, arrivals, errors, inFlight, inFlightAreaMs, upstreamMs }
}
