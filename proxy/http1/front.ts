import type { Destination } from '../decide/route-index.ts'
import { type Asked, askedOf } from './asked.ts'
import { Call } from './call.ts'
import type { ClientConnection } from './client-connection.ts'
import { affinityOf } from './client-identity.ts'
import type { EngineParts } from './engine-parts.ts'
import { EnvelopeReader } from './envelope-reader.ts'
import type { Door, Handling } from './handling.ts'
import { type OwnAnswer, unavailable } from './own-answer.ts'
import { isIdempotent } from './parsing/methods.ts'
import { RequestBody } from './request-body.ts'
import { type Passing, requestBytesMax } from './request-writer.ts'
import type { Outbound } from './upload.ts'

const ENVELOPE_PATH = '/proxy'
const SHOWN_MAX = 256
/** A body up to this is kept with its head, sent with it, and can be sent again. */
const BODY_WITH_HEAD_MAX = 18_000

/** Where requests come in: each is routed and handed on, or answered with why not. */
export class Front implements Door {
  readonly #parts: EngineParts

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  open(client: ClientConnection, bytes: Buffer, to: number): Handling | undefined {
    const { traffic, underWay, limits, requestHead: head } = this.#parts
    if (underWay >= limits.requestsMax) {
      const answer = unavailable('Cannot take the request: too many are under way')
      return this.#answer(client, { ...answer, code: 'TOO_MANY_REQUESTS' })
    }
    const asked = askedOf(head, bytes, client.heads)
    if (head.method === 'POST' && asked.target === ENVELOPE_PATH) {
      if (!traffic.table.claims(asked.host, asked.target)) {
        return new EnvelopeReader(client, this.#parts, bytes)
      }
    }
    const destination = traffic.table.match(asked.host, asked.target)
    if (destination === undefined) return this.#nowhere(client, asked)
    const out = this.#outbound(client, bytes, { asked, destination, to })
    return new Call(client, this.#parts, traffic.of(destination.fragment), out)
  }

  #outbound(client: ClientConnection, bytes: Buffer, way: Way): Outbound {
    const { outgoing, requestWriter, requestHead: head, limits } = this.#parts
    const passing = this.#passing(client, way)
    const body = RequestBody.of(head.contentLength, head.chunked)
    const withHead = body.isComplete ? 0 : Math.max(head.contentLength, way.to - head.end)
    const room = Math.min(withHead, BODY_WITH_HEAD_MAX)
    const into = outgoing.lease(requestBytesMax(head, passing) + room)
    const length = requestWriter.write(bytes, head, passing, into)
    return {
      bytes: into,
      length,
      body,
      idempotent: isIdempotent(head.method),
      isHead: head.method === 'HEAD',
      wantsBodyOfHead: false,
      upgrades: passing.upgrades,
      awaitsContinue: head.expectsContinue,
      affinity: affinityOf(head, bytes, way.destination.fragment, {
        address: client.introduction.address,
        trustedHops: limits.trustedHops,
      }),
      route: way.destination.route,
    }
  }

  #passing({ introduction, heads }: ClientConnection, { asked, destination }: Way): Passing {
    const head = this.#parts.requestHead
    const absolute = head.authorityFrom >= 0
    const rewritten = absolute || destination.target !== asked.target
    return {
      target: rewritten ? destination.target : undefined,
      // A request of 1.0 may come without a host; one of 1.1 says that it has none.
      host: absolute || head.hostFrom < 0 ? asked.host : undefined,
      upgrades: head.upgradesToWebSocket,
      trusted: this.#parts.limits.trustedHops > 0,
      introduction,
      heads,
    }
  }

  #nowhere(client: ClientConnection, { host, target }: Asked): undefined {
    const where = `${host}${target.split('?')[0]}`.slice(0, SHOWN_MAX)
    if (this.#parts.traffic.table.revision === undefined) {
      const early = unavailable(`Cannot route "${where}": the routing table has not arrived yet`)
      return this.#answer(client, { ...early, code: 'NO_TABLE' })
    }
    const message = `Cannot route "${where}": no service has it`
    return this.#answer(client, { status: 404, code: 'NO_ROUTE', message })
  }

  #answer(client: ClientConnection, answer: OwnAnswer): undefined {
    const { traffic, requestHead: head } = this.#parts
    traffic.totals.unrouted(answer.status)
    if (head.hasBody) client.keepAlive = false
    client.answerOwn(answer, head.method === 'HEAD')
  }
}

/** Where a request goes, and where its bytes end. */
interface Way {
  readonly asked: Asked
  readonly destination: Destination
  readonly to: number
}
