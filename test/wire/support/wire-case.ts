/** What a case says: the bytes, and what must be seen on both sides of the proxy. */
import type { Header } from './grammar.ts'

export interface WireCase {
  /** A sentence about what the proxy does. */
  readonly name: string
  /** `9112 5.1`: the RFC and its section. */
  readonly rfc: string
  readonly steps: readonly Step[]
  /** The methods of its requests in their order, where they are not all GET or the like. */
  readonly methods?: readonly string[]
  /** What the replica answers to the first request, in place of a plain 200. */
  readonly answer?: Answer
  readonly client: ClientSees
  readonly backend: BackendSees
}

export type Step =
  | { readonly kind: 'says'; readonly bytes: string }
  /** Goes on when what came so far matches. */
  | { readonly kind: 'hears'; readonly pattern: RegExp }
  | { readonly kind: 'ends' }

export interface Answer {
  readonly bytes: string
  /** Bytes that follow a moment later, when the answer is long over. */
  readonly late?: string
  readonly when?: 'request' | 'head'
  /** `tunnels`: from now on every byte comes back in upper case, and `!` ends it. */
  readonly ending?: 'stays' | 'ends' | 'resets' | 'tunnels'
}

export type Statuses = number | readonly number[]

export interface ClientSees {
  /** The statuses of the answers, in their order. */
  readonly answers: readonly Statuses[]
  /** `stays`: the next request on the same connection is answered. */
  readonly ending: 'closes' | 'stays' | 'either'
  /** The connection may also be closed without the last answer, or within its body. */
  readonly orCut?: boolean
  /** The last answer begins, but never ends as if it were whole. */
  readonly cut?: boolean
  readonly interim?: readonly number[]
  /** Of the first answer. */
  readonly body?: string
  /** Of all answers, in their order. */
  readonly bodies?: readonly string[]
  readonly headers?: readonly Header[]
  readonly lacks?: readonly string[]
  readonly trailers?: readonly Header[]
  readonly tunnelled?: string
  readonly never?: string
}

export interface Seen {
  readonly method?: string
  readonly target?: string
  readonly body?: string
  readonly framing?: 'length' | 'chunked' | 'none'
  readonly headers?: readonly Header[]
  readonly lacks?: readonly string[]
  readonly trailers?: readonly Header[]
}

export type BackendSees =
  /** Not one byte. */
  | { readonly kind: 'untouched' }
  /** Perhaps a part of a request, never a whole one. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'requests'; readonly requests: readonly Seen[] }
  /** Either refused before a byte was sent, or exactly this. */
  | { readonly kind: 'untouched-or'; readonly requests: readonly Seen[] }
  | { readonly kind: 'any' }

export const HOST = 'Host: wire.test'

export function says(bytes: string): Step {
  return { kind: 'says', bytes }
}

export function hears(pattern: RegExp): Step {
  return { kind: 'hears', pattern }
}

export const ENDS: Step = { kind: 'ends' }

/** Lines, each with its CRLF, and the empty line. */
export function lines(...all: readonly string[]): string {
  return `${all.join('\r\n')}\r\n\r\n`
}

/** A request with a Host that is routed. */
export function asks(line: string, ...headers: readonly string[]): string {
  return lines(line, HOST, ...headers)
}

/** A GET whose only oddity are these headers. */
export function gets(...headers: readonly string[]): string {
  return asks('GET /odd HTTP/1.1', ...headers)
}

/** A request that hides in what another one claims to be its body. */
export const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: wire.test\r\n\r\n'
