import type { RouteClass } from '../decide/route-index.ts'
import type { Question } from './http-proxy.ts'

export type Body =
  | { readonly kind: 'none' }
  /** As the client sends it. */
  | { readonly kind: 'stream'; readonly chunked: boolean; readonly awaitsContinue: boolean }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }

/** A request as it is asked of a replica, and what may be done with it. */
export interface Outbound extends Question {
  readonly body: Body
  /** Asking twice does no more than asking once. */
  readonly idempotent: boolean
  readonly affinity: string | undefined
  readonly route: RouteClass | undefined
}
