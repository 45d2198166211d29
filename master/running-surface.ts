/** The running master as the API sees it. */
import { invalid } from '../shared/errors.ts'
import type { LogLevel } from '../shared/log.ts'
import { readVersion } from '../shared/version.ts'
import type { ProgramLog } from '../shared/winston-log.ts'
import type { Parts } from './assemble.ts'
import { conditionOf } from './decide/liveness.ts'
import type { Store } from './store/store.ts'
import type { MasterSurface } from './surface.ts'

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']

export function surfaceOf(parts: Parts, store: Store, logged: ProgramLog): MasterSurface {
  const { ledger, observed, clock, workers, proxies, decisions, metrics, loop, newId } = parts
  const version = readVersion()
  const startedAt = new Date(clock.nowMs()).toISOString()
  return {
    desired: ledger.desired,
    observed,
    nowMs: () => clock.nowMs(),
    conditionOf: (node) => conditionOf(node, observed, parts.config, clock.nowMs()),
    commit: async (intent, actor) => {
      const context = { nowMs: clock.nowMs(), actor, newId }
      const revision = await ledger.commit((desired) => intent(desired, context))
      loop.wake()
      return revision
    },
    workers,
    proxies,
    decisions,
    streams: parts.streams,
    history: parts.history,
    events: {
      readFrom: (revision, limit) => store.readFrom(revision, limit),
      watch: (revision, signal) => store.watch(revision, signal),
      get head() {
        return ledger.desired.revision
      },
    },
    health: () => ({
      status: loop.isFailing ? 'degraded' : 'ok',
      version,
      epoch: ledger.epoch,
      revision: ledger.desired.revision,
      startedAt,
      components: {
        store: loop.isFailing
          ? { status: 'failing', reason: 'it takes no changes' }
          : { status: 'ok' },
        scheduler: { status: 'ok' },
      },
    }),
    metrics: () => metrics.text(),
    setLogLevel: (level) => {
      const known = LEVELS.find((one) => one === level)
      if (known === undefined) throw invalid(`Cannot set the log level: it is one of ${LEVELS}`)
      logged.setLevel(known)
    },
  }
}
