import type { Change } from '../../../shared/change.ts'
import type { Replica, Service } from '../../../shared/model.ts'
import { type At, because, type Meaning } from './at.ts'
import { findReplica } from './find.ts'

/** It is not replaced: its service wants one less; the last one takes its service along. */
export function removeReplica(text: string): Meaning {
  return (desired, at) => {
    const replica = findReplica(desired, text)
    const service = desired.services.get(replica.service)
    if (replica.drainingSinceMs !== undefined || service?.removing === true) return []
    if (service !== undefined && service.replicas <= 1) return [removeWith(service, at)]
    const fewer = service === undefined ? [] : oneLess(service, at)
    return [...fewer, retire(replica, at)]
  }
}

function removeWith(service: Service, at: At): Change {
  const reason = because(at, 'its last replica was deleted by a user')
  return { kind: 'service-removing', service: service.id, ...reason }
}

/** The minimum must not bring the deleted one back. */
function oneLess(service: Service, at: At): Change[] {
  const { spec, id, revision } = service
  const replicas = service.replicas - 1
  const reason = because(at, 'a replica was deleted by a user')
  if (spec.bounds.replicasMin <= replicas) {
    return [{ kind: 'service-scaled', service: id, replicas, ...reason }]
  }
  const lowered = { ...spec, bounds: { ...spec.bounds, replicasMin: replicas } }
  return [{ kind: 'service-applied', service: id, spec: lowered, revision, replicas, ...reason }]
}

/** What was never placed is simply gone; what may serve gives up its traffic first. */
function retire(replica: Replica, at: At): Change {
  const kind = replica.node === undefined ? 'replica-removed' : 'replica-draining'
  return { kind, replica: replica.id, ...because(at, 'deleted by a user') }
}
