/** Builds the parts of a running master around its ledger. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { MasterConfig } from './config.ts'
import { ControlLoop } from './control-loop.ts'
import { type DemandLimits, DemandWindows } from './decide/demand.ts'
import { Permits } from './decide/permits.ts'
import { DecisionLog } from './decision-log.ts'
import { History } from './history.ts'
import type { Identity } from './identity/identity.ts'
import type { Ledger } from './ledger.ts'
import { createMasterMetrics } from './master-metrics.ts'
import { NodeWatch } from './node-watch.ts'
import { Observations } from './observations.ts'
import { openProxyDoor } from './proxy-door.ts'
import { ProxyWatch } from './proxy-watch.ts'
import { RouteTable } from './route-table.ts'
import { openStreamDoor } from './streams/stream-door.ts'
import { openWorkerDoor } from './worker-door.ts'

export interface Base {
  readonly config: MasterConfig
  readonly clock: Clock
  readonly log: Log
  readonly identity: Identity
  readonly ledger: Ledger
}

export type Parts = ReturnType<typeof assemble>

/** For so long a proxy that vanished may hold demand that no other shows yet. */
const LOST_DEMAND_MS = 60_000

export function assemble(base: Base) {
  const { config, clock, ledger, log, identity } = base
  const nowMs = (): number => clock.nowMs()
  const newId = (): string => randomUUID()
  const wake = (): void => loop.wake()
  const watches = watchesOf(base, nowMs)
  const { nodes, proxies, demand, permits, routes, observed } = watches
  ledger.onCommit((entries) => {
    for (const { change } of entries) {
      if (change.kind === 'node-removed') nodes.forget(change.node)
      if (change.kind === 'service-removed') permits.keepOnly(ledger.desired.services)
    }
  })
  const decisions = new DecisionLog()
  const { sampleEveryMs, retentionMs } = config
  const history = new History({ sampleEveryMs, retentionMs })
  const { suspectAfterMs, heartbeatEveryMs, proxyLeaseMs, registry } = config
  const workers = openWorkerDoor({
    ...{ ledger, watch: nodes, nowMs, newId, wake, suspectAfterMs, heartbeatEveryMs, registry },
    certify: (request, subject) =>
      identity.issueClientCertificate(request, { role: 'node', subject }),
  })
  const proxyDoor = openProxyDoor({
    ...{ ledger, watch: proxies, demand, permits, routes, nowMs, wake },
    leaseMs: proxyLeaseMs,
    certify: (request, subject) =>
      identity.issueClientCertificate(request, { role: 'proxy', subject }),
  })
  const { metrics, onPass } = createMasterMetrics({
    ...{ ledger, observed, proxies: proxyDoor },
    alerts: config,
  })
  const loop: ControlLoop = new ControlLoop({
    ...{ ledger, observed, demand, routes, decisions, clock, log, newId },
    onPass: (pass) => {
      onPass(pass)
      history.tick(ledger.desired, observed, nowMs())
    },
    limits: config,
    periodMs: config.loopEveryMs,
  })
  return {
    ...base,
    observed,
    decisions,
    history,
    workers,
    proxies: proxyDoor,
    streams: openStreamDoor({ ledger, log }),
    metrics,
    loop,
    newId,
    wake,
  }
}

function watchesOf({ config, ledger }: Base, nowMs: () => number) {
  const nodes = new NodeWatch()
  const proxies = new ProxyWatch({
    leaseMs: config.proxyLeaseMs,
    lostDemandMs: LOST_DEMAND_MS,
  })
  const demand = new DemandWindows(demandLimitsOf(config), nowMs())
  const routes = new RouteTable(ledger.epoch)
  const parts = { sinceMs: nowMs(), nowMs, nodes, proxies, demand, routes }
  return { ...parts, permits: new Permits(), observed: new Observations(parts) }
}

/** The window under way and those that slipped: more than the calm stretch alone needs. */
const WINDOWS_SPARE = 3

function demandLimitsOf({ samplesMin, scaleWindowMs, scaleInAfterMs }: MasterConfig): DemandLimits {
  const windowsMax = Math.ceil(scaleInAfterMs / scaleWindowMs) + WINDOWS_SPARE
  return { samplesMin, recentMaxMs: scaleWindowMs, windowMs: scaleWindowMs, windowsMax }
}
