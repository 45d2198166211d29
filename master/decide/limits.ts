/** The numbers that decisions obey; each is a knob of the master. */
export interface Limits {
  readonly suspectAfterMs: number
  readonly lostAfterMs: number
  readonly proxyLeaseMs: number
  readonly busyCpuPercent: number
  readonly busyMemoryPercent: number
  readonly busyDiskPercent: number
  /** A drain that no proxy acknowledges ends after this. */
  readonly drainMaxMs: number
  readonly failureBackoffMs: number
  readonly failureBackoffMaxMs: number
  readonly scaleInAfterMs: number
  readonly scaleUpCooldownMs: number
  /** After a step was carried out, this much is not looked at: old and new answers mix in it. */
  readonly effectWaitMs: number
  readonly futileRetryMs: number
  /** The most replicas of the whole cluster; undefined: as many as fit. */
  readonly replicasTotalMax?: number | undefined
  /** A replica that its worker has not even mentioned by then is placed anew. */
  readonly startMarginMs: number
}
