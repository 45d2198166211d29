import type { Certificates } from './certificates.ts'
import type { ListenOn } from './listening.ts'

/** What carries the traffic. Another implementation may take its place. */
export interface Engine {
  /** Accepts connections; answers the port. */
  listen(on: ListenOn): Promise<number>
  /** Accepts connections over TLS as well; answers the port. */
  listenSecure(on: ListenOn, certificates: Certificates): Promise<number>
  /** Accepts nothing new, lets what is in flight finish within the grace, then cuts it. */
  close(graceMs: number): Promise<void>
  /**
   * Accepts nothing new, but cuts no kept connection before its next request: that one is answered
   * with `Connection: close`. Resolves when every connection has ended; the grace bounds it.
   */
  handOver(graceMs: number): Promise<void>
}

/** What no single client or replica may exceed. */
export interface EngineLimits {
  readonly connectionsMax: number
  readonly requestsMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  readonly bodyIdleMs: number
  readonly connectTimeoutMs: number
  readonly answerTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly lastingIdleMs: number
  readonly upstreamConnectionsMax: number
  readonly upstreamIdleMs: number
  readonly attemptsMax: number
  /** Proxies in front whose word about the client is believed. */
  readonly trustedHops: number
  /** Requests without a trace get one. */
  readonly startsTraces: boolean
}
