/** What carries the traffic. Another implementation may take its place. */
export interface Engine {
  /** Accepts connections; answers the port. */
  listen(): Promise<number>
  /** Accepts nothing new, lets what is in flight finish within the grace, then cuts it. */
  close(graceMs: number): Promise<void>
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
