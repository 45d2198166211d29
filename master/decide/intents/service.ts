import type { Change } from '../../../shared/change.ts'
import { conflict, invalid, RequestError } from '../../../shared/errors.ts'
import type { Service, ServiceSpec } from '../../../shared/model.ts'
import type { DesiredView } from '../desired.ts'
import { type At, because, type Meaning } from './at.ts'
import { findService } from './find.ts'
import { expectFreeRoutes } from './routes.ts'
import { sameSpec, sameTemplate } from './template.ts'

export interface ServiceRequest {
  readonly spec: ServiceSpec
  /** How many to begin with; without it the minimum, or what an update finds. */
  readonly replicas?: number
}

export interface ServiceLimits {
  /** The most replicas of the whole cluster; undefined: as many as fit. */
  readonly replicasTotalMax?: number | undefined
}

export function createService(request: ServiceRequest, limits: ServiceLimits): Meaning {
  return (desired, at) => {
    const { name } = request.spec
    if (desired.serviceNamed(name) !== undefined) {
      throw conflict(`Cannot create service "${name}": it exists`)
    }
    return [create(request, limits, desired, at)]
  }
}

/** Creates it, or brings what exists to this template; the count that was reached stays. */
export function putService(request: ServiceRequest, limits: ServiceLimits): Meaning {
  return (desired, at) => {
    const before = desired.serviceNamed(request.spec.name)
    if (before === undefined) return [create(request, limits, desired, at)]
    expectStaying(before, 'update')
    return update(before, request, { limits, desired, at })
  }
}

/** Its replicas drain; it goes with the last one. */
export function removeService(text: string): Meaning {
  return (desired, at) => {
    const service = findService(desired, text)
    if (service.removing === true) return []
    return [{ kind: 'service-removing', service: service.id, ...because(at, 'removed by a user') }]
  }
}

export interface ScaleRequest {
  readonly replicas?: number
  readonly min?: number
  readonly max?: number
  readonly autoscale?: boolean
}

/** New bounds pull the count along; a count outside the bounds is refused. */
export function scaleService(text: string, wanted: ScaleRequest, limits: ServiceLimits): Meaning {
  return (desired, at) => {
    const service = findService(desired, text)
    expectStaying(service, 'scale')
    const { spec } = service
    const bounds = {
      replicasMin: wanted.min ?? spec.bounds.replicasMin,
      replicasMax: wanted.max ?? spec.bounds.replicasMax,
    }
    const next = { ...spec, bounds, autoscale: wanted.autoscale ?? spec.autoscale }
    const request = wanted.replicas === undefined ? {} : { replicas: wanted.replicas }
    return update(service, { spec: next, ...request }, { limits, desired, at })
  }
}

/** Whether a count lies within the bounds, said as a sentence when it does not. */
export function expectWithinBounds({ spec, replicas }: ServiceRequest): void {
  const { name, bounds } = spec
  const { replicasMin, replicasMax } = bounds
  if (replicasMin > replicasMax) {
    throw invalid(
      `Cannot scale "${name}": its minimum of ${replicasMin} is above its maximum of ${replicasMax}`,
    )
  }
  if (replicas === undefined) return
  if (replicas < replicasMin) {
    throw invalid(`Cannot scale "${name}" to ${replicas}: its minimum is ${replicasMin}`)
  }
  if (replicas > replicasMax) {
    throw invalid(`Cannot scale "${name}" to ${replicas}: its maximum is ${replicasMax}`)
  }
}

interface Scene {
  readonly limits: ServiceLimits
  readonly desired: DesiredView
  readonly at: At
}

function create(
  request: ServiceRequest,
  limits: ServiceLimits,
  desired: DesiredView,
  at: At,
): Change {
  const { spec } = request
  expectWithinBounds(request)
  expectFreeRoutes(desired, spec)
  const replicas = request.replicas ?? spec.bounds.replicasMin
  expectRoom(desired, limits, replicas, spec.name)
  const service = at.newId()
  const reason = because(at, 'created by a user')
  return { kind: 'service-applied', service, spec, revision: 1, replicas, ...reason }
}

function update(before: Service, request: ServiceRequest, scene: Scene): readonly Change[] {
  const { spec } = request
  const { desired, limits, at } = scene
  expectWithinBounds(request)
  expectFreeRoutes(desired, spec, before.id)
  const { replicasMin, replicasMax } = spec.bounds
  const reached = Math.min(replicasMax, Math.max(replicasMin, before.replicas))
  const replicas = request.replicas ?? reached
  expectRoom(desired, limits, replicas - before.replicas, spec.name)
  const same = sameTemplate(before.spec, spec)
  const revision = same ? before.revision : before.revision + 1
  if (!sameSpec(before.spec, spec)) {
    const reason = because(at, same ? 'changed by a user' : `revision ${revision} by a user`)
    return [{ kind: 'service-applied', service: before.id, spec, revision, replicas, ...reason }]
  }
  if (replicas === before.replicas) return []
  const reason = because(at, `scaled from ${before.replicas} to ${replicas} by a user`)
  return [{ kind: 'service-scaled', service: before.id, replicas, ...reason }]
}

function expectStaying(service: Service, verb: string): void {
  if (service.removing !== true) return
  throw conflict(`Cannot ${verb} service "${service.spec.name}": it is being removed`)
}

function expectRoom(
  desired: DesiredView,
  { replicasTotalMax }: ServiceLimits,
  added: number,
  name: string,
): void {
  if (replicasTotalMax === undefined || added <= 0) return
  let promised = 0
  for (const { replicas, removing } of desired.services.values()) {
    if (removing !== true) promised += replicas
  }
  if (promised + added <= replicasTotalMax) return
  const state = `the cluster has ${promised} of at most ${replicasTotalMax} replicas`
  const message = `Cannot add ${added} to "${name}": ${state}`
  throw new RequestError(409, 'RESOURCE_EXHAUSTED', message)
}
