import { completeImage } from '../../shared/image-reference.ts'
import type { NodeId, Replica, Service } from '../../shared/model.ts'
import type { AssignedReplica } from '../../shared/protocol.ts'
import { type DesiredView, templateOf } from './desired.ts'

/**
 * The whole set that a node should run, each with the template of its own revision. Images that
 * name no registry come from the given one.
 */
export function assignmentsOf(
  desired: DesiredView,
  node: NodeId,
  registry?: string,
): AssignedReplica[] {
  return desired.replicasOn(node).flatMap((replica) => {
    const service = desired.services.get(replica.service)
    return service === undefined ? [] : [assigned(replica, service, registry)]
  })
}

function assigned(
  replica: Replica,
  service: Service,
  registry: string | undefined,
): AssignedReplica {
  const spec = templateOf(service, replica.revision)
  const { image, port, hostPort, user } = spec
  return {
    replica: replica.id,
    service: service.id,
    serviceName: spec.name,
    revision: replica.revision,
    draining: replica.drainingSinceMs !== undefined,
    command: [...spec.command],
    environment: { ...spec.environment },
    health: { ...spec.health, probe: probeOf(spec.health.probe) },
    resources: spec.resources,
    networks: [...spec.networks],
    volumes: [...spec.volumes],
    labels: { ...spec.labels },
    init: spec.init,
    pull: spec.pull,
    stopGraceMs: spec.stopGraceMs,
    ...(image === undefined ? {} : { image: completeImage(image, registry) }),
    ...(port === undefined ? {} : { port }),
    ...(hostPort === undefined ? {} : { hostPort }),
    ...(user === undefined ? {} : { user }),
  }
}

function probeOf(probe: Service['spec']['health']['probe']): AssignedReplica['health']['probe'] {
  return probe.kind === 'command' ? { ...probe, command: [...probe.command] } : probe
}
