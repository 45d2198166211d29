import type { QueueLimits, QueueRules } from '../../../../proxy/decide/service-queue.ts'

export const RULES_ON: QueueRules = {
  objectiveOrder: true,
  slowAware: true,
  latencyEjection: true,
  slowStart: true,
  hedging: true,
}

export const LIMITS: QueueLimits = {
  waitingMax: 10_000,
  waitMaxMs: 5_000,
  waitEmptyMaxMs: 60_000,
  permitsStart: 16,
  hedgePercent: 5,
  ejection: { failuresInRowMax: 5, avoidMinMs: 1_000, avoidMaxMs: 30_000, stallMinMs: 200 },
  slowStartMs: 10_000,
  rules: RULES_ON,
}
