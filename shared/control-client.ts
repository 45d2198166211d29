/** How the CLI, workers and proxies call a master: several addresses, deadlines, one identity. */
import type { ZodType } from 'zod'
import type { Credential } from './credential.ts'
import type { ServerSentEvent } from './event-stream.ts'

export type { ServerSentEvent } from './event-stream.ts'
export { checkMasterUrl, type MasterUrlRules } from './master-url.ts'
export { MasterUnreachable } from './master-unreachable.ts'

export interface ControlClientOptions {
  /** URLs, or HOST:PORT; the first is tried first. */
  readonly masters: readonly string[]
  readonly credential?: Credential | undefined
  readonly token?: string | undefined
  readonly insecure?: boolean | undefined
  /** Of every call that names none; 5 s when absent. */
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

export interface StreamOptions {
  readonly accept?: string | undefined
  readonly lastEventId?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Rejects with a RequestError (the master's own refusal) or with MasterUnreachable (no answer).
 */
export interface ControlClient {
  /** JSON there, JSON back, parsed by the schema. */
  call<T>(request: ControlCall<T>): Promise<T>
  text(path: string, options?: TextOptions): Promise<string>
  stream(path: string, options: StreamOptions): AsyncIterable<ServerSentEvent>
  /** The CA (PEM) that the last connection over TLS was verified with: to be kept after a join. */
  trustedCa(): string | undefined
  /** New connections present this credential; calls under way end as they began. */
  renew(credential: Credential): void
  close(): void
}

export function createControlClient(options: ControlClientOptions): ControlClient {
  throw new Error(`Cannot call ${options.masters}: not written yet`)
}
