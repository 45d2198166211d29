import { type Clock, repeat } from '../shared/clock.ts'
import { OwnPermits } from './decide/own-permits.ts'
import type { Traffic } from './traffic.ts'

/** Without a master the proxy learns by itself what its replicas can do at once. */
export async function learnAlone(
  traffic: Traffic,
  everyMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const permits = new OwnPermits()
  let sinceMs = clock.nowMs()
  await clock.sleep(everyMs, signal)
  const learn = (): void => {
    const nowMs = clock.nowMs()
    const stretch = { durationMs: nowMs - sinceMs, services: traffic.meter.cut(nowMs) }
    sinceMs = nowMs
    traffic.put(permits.learn(stretch, traffic.table.fragments, nowMs))
  }
  await repeat(learn, everyMs, clock, signal)
}
