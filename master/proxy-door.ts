import type { ProxyId, Service } from '../shared/model.ts'
import {
  type Measurements,
  type MeasurementsAnswer,
  type ProxyJoin,
  type ProxyJoined,
  WIRE_VERSION,
} from '../shared/protocol.ts'
import type { DemandWindows } from './decide/demand.ts'
import type { Permits } from './decide/permits.ts'
import type { Ledger } from './ledger.ts'
import type { ProxyWatch, ReplicaPermits } from './proxy-watch.ts'
import type { RouteTable } from './route-table.ts'
import type { Caller, ProxyDoor } from './surface.ts'

export interface ProxyDoorParts {
  readonly ledger: Ledger
  readonly watch: ProxyWatch
  readonly demand: DemandWindows
  readonly permits: Permits
  readonly routes: RouteTable
  readonly leaseMs: number
  readonly nowMs: () => number
  readonly certify: (request: string, proxy: ProxyId) => Promise<string>
  readonly wake: () => void
}

/** Where proxies come in: they fetch the routing table and tell what they measured. */
export function openProxyDoor(parts: ProxyDoorParts): ProxyDoor {
  const { watch, routes, nowMs, wake } = parts
  return {
    join: (join, from) => admit(join, from, parts),
    leave: (proxy) => {
      watch.leave(proxy)
      wake()
    },
    routes: (after, signal) => routes.after(after, signal),
    measure: (measurements) => measure(measurements, parts),
    list: () => watch.list(nowMs()),
  }
}

async function admit(join: ProxyJoin, from: Caller, parts: ProxyDoorParts): Promise<ProxyJoined> {
  const { certificateRequest } = join
  const certificate =
    certificateRequest === undefined
      ? {}
      : { certificate: await parts.certify(certificateRequest, join.proxy) }
  parts.watch.join(join, from.address, parts.nowMs())
  parts.wake()
  return { wire: WIRE_VERSION, epoch: parts.ledger.epoch, leaseMs: parts.leaseMs, ...certificate }
}

function measure(sent: Measurements, parts: ProxyDoorParts): MeasurementsAnswer {
  const { watch, demand, permits, ledger, nowMs } = parts
  const answer = { wire: WIRE_VERSION, epoch: ledger.epoch } as const
  const heard = watch.hear(sent, nowMs())
  if (heard === 'unknown') return { ...answer, permits: {}, learned: [], wantJoin: true }
  if (heard === 'new') {
    const { durationMs, services } = sent
    const known = services.filter(({ service }) => ledger.desired.services.has(service))
    const reporter = `${sent.proxy} ${sent.boot}`
    permits.hear({ reporter, durationMs, services: known }, nowMs())
    for (const measured of sent.services) {
      const service: Service | undefined = ledger.desired.services.get(measured.service)
      if (service === undefined) continue
      const { spec, replicas } = service
      const { percentile } = spec.objective
      demand.add(measured, { percentile, durationMs, replicas }, nowMs())
    }
  }
  parts.wake()
  const shares = watch.permits(sent.proxy, permitsOfRouted(parts), nowMs())
  const services = [...ledger.desired.services.values()]
  const learned = services.filter((service) => permits.isLearned(service)).map(({ id }) => id)
  return { ...answer, permits: shares, learned, wantJoin: false }
}

function permitsOfRouted({ ledger, permits, routes }: ProxyDoorParts): ReplicaPermits[] {
  const { services, replicas } = ledger.desired
  return [...routes.published.routed].flatMap((replica) => {
    const service = services.get(replicas.get(replica)?.service ?? '')
    if (service === undefined) return []
    return [{ replica, service: service.id, permits: permits.of(service, replica) }]
  })
}
