/** A master in miniature: real HTTP, real schemas, and a will that the test bends. */
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import {
  type AssignedReplica,
  type Heartbeat,
  heartbeatSchema,
  type NodeJoin,
  nodeJoinSchema,
  type ReplicaReport,
  WIRE_VERSION,
} from '../../../shared/protocol.ts'

interface Refusal {
  readonly status: number
  readonly code: string
}

/** Below what systems give to those who ask for any port, and below what replicas get. */
const PORT_MIN = 10_000
const PORT_MAX = 18_000

export class TinyMaster {
  port = 0
  epoch = 3
  revision = 1
  /** Workers on one machine start their search for ports in different places because of it. */
  node: string = randomUUID()
  /** Refuses these paths, by their last part: `nodes`, `heartbeat`, `assignments`, `leave`. */
  readonly refusals = new Map<string, Refusal>()
  readonly joins: NodeJoin[] = []
  readonly beats: Heartbeat[] = []
  /** What it makes of full and partial reports. */
  readonly replicas = new Map<string, ReplicaReport>()
  readonly polls: string[] = []
  wantFull = false
  leaves = 0
  heartbeatEveryMs = 50
  #assigned: readonly AssignedReplica[] = []
  #held = new Set<() => void>()
  #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<TinyMaster> {
    const master = new TinyMaster()
    onTestFinished(() => master.goAway())
    await master.come()
    return master
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /**
   * Listens, on the same port as before. None that the system gives by itself: while the master is
   * away, another test could get that.
   */
  async come(): Promise<void> {
    const isFirst = this.port === 0
    if (isFirst) this.port = randomInt(PORT_MIN, PORT_MAX)
    this.#server.listen(this.port, '127.0.0.1')
    try {
      await once(this.#server, 'listening')
    } catch (error) {
      if (!isFirst) throw error
      this.port = 0
      await this.come()
    }
  }

  async goAway(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    this.#held.clear()
    await once(this.#server, 'close')
  }

  assign(...replicas: readonly AssignedReplica[]): void {
    this.#assigned = replicas
    this.revision += 1
    this.release()
  }

  /** Answers all held polls. */
  release(): void {
    const held = this.#held
    this.#held = new Set()
    for (const answer of held) answer()
  }

  phaseOf(replica: string): string | undefined {
    return this.replicas.get(replica)?.phase.kind
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const last = url.pathname.split('/').at(-1) ?? ''
    const body = await bodyOf(request)
    const refusal = this.refusals.get(last)
    if (refusal !== undefined) {
      const { status, code } = refusal
      return send(response, { error: { code, message: `Cannot serve ${last}: ${code}` } }, status)
    }
    if (last === 'nodes') return send(response, this.#join(nodeJoinSchema.parse(body)), 201)
    if (last === 'heartbeat') return send(response, this.#hear(heartbeatSchema.parse(body)))
    if (last === 'leave') return send(response, this.#leave())
    // It has no streams: a worker goes on without them.
    if (last === 'streams') return send(response, {}, 404)
    this.polls.push(url.searchParams.get('after') ?? 'nothing')
    const answer = (): void => {
      const { epoch, revision } = this
      send(response, { wire: WIRE_VERSION, epoch, revision, replicas: this.#assigned })
    }
    if (url.searchParams.get('after') === String(this.revision)) this.#held.add(answer)
    else answer()
  }

  #join(join: NodeJoin): object {
    this.joins.push(join)
    const { node, epoch, heartbeatEveryMs } = this
    const secret = `secret-${this.joins.length}`
    const address = join.address ?? '127.0.0.1'
    return { wire: WIRE_VERSION, node, secret, address, epoch, heartbeatEveryMs }
  }

  #hear(beat: Heartbeat): object {
    this.beats.push(beat)
    if (beat.full) this.replicas.clear()
    for (const report of beat.replicas) this.replicas.set(report.replica, report)
    for (const gone of beat.gone) this.replicas.delete(gone)
    const { epoch, wantFull } = this
    return { wire: WIRE_VERSION, epoch, wantFull }
  }

  #leave(): object {
    this.leaves += 1
    return {}
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return text === '' ? undefined : JSON.parse(text)
}

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
