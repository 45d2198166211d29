import type { DecisionRun, ServiceView, WhyView } from '../../../shared/api.ts'
import type { DemandWindow } from '../../../shared/decision.ts'
import type { Service } from '../../../shared/model.ts'
import type { DecisionStretch, MasterSurface } from '../../surface.ts'
import { objectiveText } from '../objective.ts'
import { moment, tenths } from './moment.ts'
import { replicaView } from './replica-view.ts'

type Seen = Pick<MasterSurface, 'desired' | 'observed' | 'proxies'>

export function serviceView(service: Service, seen: Seen): ServiceView {
  const { spec, advice, removing } = service
  const path = `/s/${spec.name}/`
  return {
    id: service.id,
    name: spec.name,
    spec,
    revision: service.revision,
    objective: objectiveText(spec.objective),
    replicas: service.replicas,
    ...counts(service, seen),
    ...demand(service, seen),
    path,
    urls: seen.proxies.list().map(({ url }) => `${url}${path}`),
    ...(removing === undefined ? {} : { removing }),
    ...(advice === undefined ? {} : { advice }),
    createdAt: moment(service.createdAtMs),
  }
}

export function whyView(
  service: Service,
  master: Seen & Pick<MasterSurface, 'decisions'>,
): WhyView {
  const decision = master.decisions.latest(service.id)
  return {
    service: serviceView(service, master),
    ...(decision === undefined ? {} : { decision }),
    history: master.decisions.history(service.id).map(run),
  }
}

function run({ decision, sinceMs, untilMs, evaluations }: DecisionStretch): DecisionRun {
  return { decision, sinceAt: moment(sinceMs), untilAt: moment(untilMs), evaluations }
}

const COMING: ReadonlySet<string> = new Set(['assigned', 'starting', 'waiting'])

function counts(
  service: Service,
  seen: Seen,
): Pick<ServiceView, 'serving' | 'starting' | 'pending'> {
  const replicas = seen.desired.replicasOf(service.id)
  const states = replicas.map((replica) => replicaView(replica, seen).state)
  const { routed } = seen.observed.routes
  return {
    // Only what the proxies are told of serves anybody.
    serving: replicas.filter(({ id }, at) => states[at] === 'serving' && routed.has(id)).length,
    starting: states.filter((state) => COMING.has(state)).length,
    pending: states.filter((state) => state === 'pending').length,
  }
}

/** The last stretch that was measured; a stretch without requests has no percentile. */
function demand(service: Service, { observed }: Seen): Partial<ServiceView> {
  const { recent, windows } = observed.demandOf(service)
  const latest = recent ?? windows.at(-1)
  if (latest === undefined) return {}
  return {
    ...(latest.requests === 0 ? {} : { percentileMs: tenths(latest.percentileMs) }),
    requestsPerSecond: tenths(latest.requests / seconds(latest)),
    errorsPerSecond: tenths(latest.errors / seconds(latest)),
  }
}

function seconds({ fromMs, toMs }: DemandWindow): number {
  return Math.max(1, toMs - fromMs) / 1_000
}
