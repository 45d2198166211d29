/** How the CLI, workers and proxies call a master: several addresses, deadlines, one identity. */
import type { ZodType } from 'zod'
import { parseAnswer } from './control-answer.ts'
import { ask } from './control-question.ts'
import { connect } from './control-socket.ts'
import { listen, readLines } from './control-stream.ts'
import type { Credential } from './credential.ts'
import type { ServerSentEvent } from './event-stream.ts'
import { createFailover } from './failover.ts'
import { createMasterChannel } from './master-channel.ts'
import { checkMasterUrl } from './master-url.ts'
import type { StreamSocket } from './stream-socket.ts'

export type { ServerSentEvent } from './event-stream.ts'
export { MasterUnreachable } from './master-unreachable.ts'
export { checkMasterUrl, type MasterUrlRules } from './master-url.ts'

export interface ControlClientOptions {
  /** URLs, or HOST:PORT; the first is tried first. */
  readonly masters: readonly string[]
  readonly credential?: Credential | undefined
  readonly token?: string | undefined
  readonly insecure?: boolean | undefined
  /** Of every call that names none. */
  readonly deadlineMs?: number | undefined
}

export interface ControlCall<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly schema: ZodType<T>
  readonly deadlineMs?: number | undefined
  /** Aborted: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Whether it may be sent again after it may have arrived; by default all but POST and PATCH. */
  readonly idempotent?: boolean | undefined
}

export interface TextOptions {
  readonly accept?: string | undefined
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ConnectOptions {
  /** Until it is open. */
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface StreamOptions {
  readonly accept?: string | undefined
  readonly lastEventId?: string | undefined
  readonly signal: AbortSignal
}

/** Rejects with a RequestError (a master's own refusal) or with MasterUnreachable (no answer). */
export interface ControlClient {
  /** JSON there, JSON back, parsed by the schema; an empty answer is undefined. */
  call<T>(request: ControlCall<T>): Promise<T>
  text(path: string, options?: TextOptions): Promise<string>
  /** Ends when the master ends it; rejects when it is cut, silent for too long, or aborted. */
  stream(path: string, options: StreamOptions): AsyncIterable<ServerSentEvent>
  /** Lines of JSON, without the empty ones; ends as `stream` does. */
  lines(path: string, options: Pick<StreamOptions, 'signal'>): AsyncIterable<string>
  /** A WebSocket, which from then on is the caller's to close. */
  connect(path: string, options?: ConnectOptions): Promise<StreamSocket>
  /** The CA (PEM) that connections over TLS are verified with: to be kept after a join. */
  trustedCa(): string | undefined
  /** New connections present this credential; calls under way end as they began. */
  renew(credential: Credential): void
  close(): void
}

const DEADLINE_MS = 5_000
/** The master waits for a worker before the lines begin. */
const LINES_MS_MAX = 15_000

/** Throws the sentence of `checkMasterUrl` when one of the masters may not be called like this. */
export function createControlClient(options: ControlClientOptions): ControlClient {
  const trusted = options.credential?.ca !== undefined
  const rules = { insecure: options.insecure, token: options.token, trusted }
  const channels = options.masters.map((text) =>
    createMasterChannel(checkMasterUrl(text, rules), options),
  )
  const failover = createFailover(channels)
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS
  return {
    call: async (request) => {
      const body = request.body === undefined ? undefined : JSON.stringify(request.body)
      const timed = { ...request, body, deadlineMs: request.deadlineMs ?? deadlineMs }
      const text = await ask(failover, timed)
      return parseAnswer(`${request.method} ${request.path}`, text, request.schema)
    },
    text: (path, text) =>
      ask(failover, { ...text, method: 'GET', path, deadlineMs: text?.deadlineMs ?? deadlineMs }),
    stream: (path, stream) => listen(failover, { ...stream, path, deadlineMs }),
    lines: (path, { signal }) => readLines(failover, { path, signal, deadlineMs: LINES_MS_MAX }),
    connect: (path, options) =>
      connect(failover, { path, ...options, deadlineMs: options?.deadlineMs ?? deadlineMs }),
    trustedCa: () => failover.current()?.trustedCa(),
    renew: (credential) => {
      for (const channel of channels) channel.renew(credential)
    },
    close: () => {
      for (const channel of channels) channel.close()
    },
  }
}
