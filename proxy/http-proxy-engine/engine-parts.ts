import type { Agent } from 'node:http'
import type { EngineLimits } from '../engine.ts'
import type { Traffic } from '../traffic.ts'
import type { Connections } from './connections.ts'
import type { Expected } from './expected.ts'
import type { HttpProxy } from './http-proxy.ts'

/** What all requests of one engine share. */
export interface EngineParts {
  readonly limits: EngineLimits
  readonly traffic: Traffic
  readonly proxy: HttpProxy
  readonly agent: Agent
  readonly connections: Connections
  readonly expected: Expected
  /** Whether every answer ends its connection from now on. */
  isClosing: boolean
  /** Requests under way. */
  underWay: number
}
