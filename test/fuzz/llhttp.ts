import { METHODS } from 'node:http'
import { createRequire } from 'node:module'

/** What node's own parser has understood so far. */
export interface Heard {
  heads: number
  complete: number
  minor: number
  method: string
  url: string
  status: number
  keepAlive: boolean
  /** Name, value, name, value; trailers come later. */
  headers: string[]
  trailers: string[]
  body: Buffer[]
}

type Callback = (...told: readonly unknown[]) => number

interface NodeParser {
  initialize(kind: number, resource: object, headerBytesMax: number, lenient: number): void
  execute(bytes: Buffer): unknown
  [callback: number]: Callback
}

interface NodeParserClass {
  new (): NodeParser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

// It has no public name. What is not there any more ends the run with node's own sentence.
const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: NodeParserClass
}

const HEADER_BYTES_MAX = 1_048_576

/** Node's own parser, strict as a server of node's has it. */
export class Llhttp {
  readonly #kind: number
  readonly #parser = new HTTPParser()
  heard: Heard = nothing()

  constructor(kind: 'request' | 'response') {
    this.#kind = kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE
    const parser = this.#parser
    parser[HTTPParser.kOnHeaders] = (headers, url) => {
      if (this.heard.url === '') this.heard.url = url as string
      const list = this.heard.heads === 0 ? this.heard.headers : this.heard.trailers
      list.push(...(headers as string[]))
      return 0
    }
    parser[HTTPParser.kOnHeadersComplete] = (...told) => this.#headComplete(told)
    parser[HTTPParser.kOnBody] = (bytes, from = 0, length = (bytes as Buffer).length) => {
      const start = from as number
      this.heard.body.push(
        Buffer.from((bytes as Buffer).subarray(start, start + (length as number))),
      )
      return 0
    }
    parser[HTTPParser.kOnMessageComplete] = () => {
      this.heard.complete += 1
      return 0
    }
  }

  begin(): void {
    this.heard = nothing()
    this.#parser.initialize(this.#kind, {}, HEADER_BYTES_MAX, 0)
  }

  /** Why it refuses; undefined when it does not. */
  feed(bytes: Buffer): string | undefined {
    // Nothing at all would be the end of the connection.
    if (bytes.length === 0) return undefined
    const result = this.#parser.execute(bytes)
    if (!(result instanceof Error)) return undefined
    return 'code' in result ? String(result.code) : result.message
  }

  #headComplete([
    ,
    minor,
    headers,
    method,
    url,
    status,
    ,
    ,
    keepAlive,
  ]: readonly unknown[]): number {
    const { heard } = this
    heard.heads += 1
    heard.minor = minor as number
    if (headers !== undefined) heard.headers.push(...(headers as string[]))
    heard.method = methodNames.get(method as number) ?? ''
    if (heard.url === '') heard.url = (url as string | undefined) ?? ''
    heard.status = (status as number | undefined) ?? 0
    heard.keepAlive = keepAlive as boolean
    return 0
  }
}

/** It says a number for the method; which for which is found out by asking. */
const methodNames = new Map<number, string>()

function learnMethods(): void {
  const parser = new HTTPParser()
  for (const name of METHODS) {
    parser.initialize(HTTPParser.REQUEST, {}, HEADER_BYTES_MAX, 0)
    parser[HTTPParser.kOnHeadersComplete] = (...told) => {
      methodNames.set(told[3] as number, name)
      return 0
    }
    const target = name === 'CONNECT' ? 'a:1' : '/'
    parser.execute(Buffer.from(`${name} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`))
  }
}

learnMethods()

function nothing(): Heard {
  const texts = { method: '', url: '', headers: [], trailers: [] }
  return { heads: 0, complete: 0, minor: -1, status: 0, keepAlive: false, body: [], ...texts }
}
