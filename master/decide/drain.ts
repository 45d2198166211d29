import type { Replica } from '../../shared/model.ts'
import type { Limits } from './limits.ts'
import type { Observed, ProxyObservation } from './observed.ts'

type DrainLimits = Pick<Limits, 'proxyLeaseMs' | 'drainMaxMs'>

/** Why a draining replica may be stopped now; undefined while a request may still reach it. */
export function drained(
  replica: Replica,
  observed: Observed,
  limits: DrainLimits,
  nowMs: number,
): string | undefined {
  const sinceMs = replica.drainingSinceMs
  if (sinceMs === undefined) return undefined
  if (nowMs - sinceMs >= limits.drainMaxMs) return 'its drain took too long'
  const { revision, routed, retired } = observed.routes
  if (revision === undefined || routed.has(replica.id)) return undefined
  if (nowMs - observed.sinceMs < limits.proxyLeaseMs) return undefined
  const seq = retired.get(replica.id) ?? 0
  for (const proxy of observed.proxies.values()) {
    if (nowMs - proxy.seenAtMs >= limits.proxyLeaseMs) continue
    if (!acknowledged(proxy, revision.epoch, seq)) return undefined
    if ((proxy.inFlight.get(replica.id) ?? 0) > 0) return undefined
  }
  return 'drained'
}

function acknowledged(proxy: ProxyObservation, epoch: number, seq: number): boolean {
  return proxy.routes.epoch === epoch && proxy.routes.seq >= seq
}
