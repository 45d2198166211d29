import type { EngineLimits } from '../engine.ts'
import type { Traffic } from '../traffic.ts'
import type { Deadlines } from './deadlines.ts'
import type { Introductions } from './introduction.ts'
import type { Outgoing } from './outgoing.ts'
import type { RequestHead } from './parsing/request-head.ts'
import type { ResponseHead } from './parsing/response-head.ts'
import type { RequestWriter } from './request-writer.ts'
import type { ResponseWriter } from './response-writer.ts'
import type { Upstreams } from './upstreams.ts'

/** What all connections of one engine share. Heads and writers are used within one call only. */
export interface EngineParts {
  readonly limits: EngineLimits
  readonly traffic: Traffic
  readonly deadlines: Deadlines
  readonly outgoing: Outgoing
  readonly upstreams: Upstreams
  readonly introductions: Introductions
  readonly requestHead: RequestHead
  readonly responseHead: ResponseHead
  readonly requestWriter: RequestWriter
  readonly responseWriter: ResponseWriter
  readonly nowMs: () => number
  /** Whether every answer ends its connection from now on. */
  isClosing: boolean
  /** Requests under way. */
  underWay: number
}
