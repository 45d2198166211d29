/** What one client, or all of them, may cost the control server. */
export interface ControlLimits {
  /** Until the first byte, and again until the end of the TLS handshake. */
  readonly peekMs: number
  readonly headersMs: number
  /** Until the last byte of a request; how long its answer waits is not limited here. */
  readonly requestMs: number
  /** Of a connection without a request. */
  readonly keepAliveMs: number
  /** Without a byte in either direction; longer than any long poll. */
  readonly idleMs: number
  readonly connectionsMax: number
  readonly headersMax: number
  readonly headerBytesMax: number
  /** How often the time-outs of requests are looked at. */
  readonly checkEveryMs: number
}

export const CONTROL_LIMITS: ControlLimits = {
  peekMs: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  idleMs: 120_000,
  connectionsMax: 20_000,
  headersMax: 100,
  headerBytesMax: 16_384,
  checkEveryMs: 2_000,
}
