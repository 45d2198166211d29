import type { IncomingMessage } from 'node:http'
import type { RouteFragment } from '../../shared/model.ts'
import type { EngineLimits } from '../engine.ts'
import { type Asked, askedOf } from '../http1/asked.ts'
import { affinityOf } from '../http1/client-identity.ts'
import { Introductions } from '../http1/introduction.ts'
import { parseRequestHead, RequestHead } from '../http1/parsing/request-head.ts'
import { RandomIds } from '../http1/random-ids.ts'
import { RequestWriter, requestBytesMax } from '../http1/request-writer.ts'
import { type Fields, fieldsOf, linesOf } from './fields.ts'

/** Who is at the other end of a client's connection. */
export interface Peer {
  readonly address: string
  readonly secure: boolean
}

/** What the head of a request says, however it came here. */
export type Head = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'rawHeaders'>

/**
 * Reads heads once more by the rules of the own engine, so that both let in the same requests, and
 * pass on the same of them. What was read counts until the next one is.
 */
export class RequestReader {
  readonly head = new RequestHead()
  readonly #limits: EngineLimits
  readonly #writer = new RequestWriter(new RandomIds())
  readonly #introductions: Introductions
  #bytes: Buffer = Buffer.alloc(0)

  constructor(limits: EngineLimits) {
    this.#limits = limits
    this.#introductions = new Introductions(limits.startsTraces)
  }

  /** Answers the status of the refusal; 0: it may come in. */
  read(head: Head): number {
    this.#bytes = bytesOf(head)
    const end = parseRequestHead(this.#bytes, 0, this.#bytes.length, this.head, this.#limits)
    if (end < 0) return -end
    return end === this.#bytes.length ? 0 : 400
  }

  /** An absolute target's host wins over the header (RFC 9112, section 3.2.2). */
  get asked(): Asked {
    return askedOf(this.head, this.#bytes)
  }

  /** The headers that a replica gets, from this client. */
  passedOn(asked: Asked, { address, secure }: Peer): Fields {
    const passing = {
      target: undefined,
      host: this.head.authorityFrom < 0 ? undefined : asked.host,
      upgrades: this.head.upgradesToWebSocket,
      trusted: this.#limits.trustedHops > 0,
      introduction: this.#introductions.of(address, secure),
      heads: undefined,
    }
    const into = Buffer.allocUnsafe(requestBytesMax(this.head, passing))
    const length = this.#writer.write(this.#bytes, this.head, passing, into)
    return fieldsOf(linesOf(into.toString('latin1', 0, length)))
  }

  /** What ties the client to a replica, where the service is sticky. */
  affinity(fragment: RouteFragment, { address }: Peer): string | undefined {
    const { trustedHops } = this.#limits
    return affinityOf(this.head, this.#bytes, fragment, { address, trustedHops })
  }
}

function bytesOf({ method = '', url = '', httpVersion, rawHeaders }: Head): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`
  }
  return Buffer.from(`${text}\r\n`, 'latin1')
}
