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
    const { fragments } = traffic.table
    const shares = permits.learn(stretch, fragments, nowMs)
    const learned = fragments.filter((fragment) => permits.isLearned(fragment))
    traffic.put({ permits: shares, learned: new Set(learned.map(({ service }) => service)) })
  }
  await repeat(learn, everyMs, clock, signal)
}
