import type { Change } from '../shared/change.ts'
import type { Log, LogFields } from '../shared/log.ts'

/** One line per change: its kind is the message, what it is about are the fields. */
export function logChange(log: Log, change: Change): void {
  log.info(change.kind.replaceAll('-', ' '), { ...fieldsOf(change), reason: change.reason })
}

function fieldsOf(change: Change): LogFields {
  switch (change.kind) {
    case 'node-joined':
      return { node: change.node.id, name: change.node.name, address: change.node.address }
    case 'service-applied':
      return { service: change.service, name: change.spec.name, revision: change.revision }
    case 'service-scaled':
      return { service: change.service, replicas: change.replicas, rule: change.decision?.rule }
    case 'replica-added': {
      const { id, service, node } = change.replica
      return { replica: id, service, node }
    }
    default: {
      const { atMs: _, actor, reason: __, kind: ___, ...about } = change
      return { ...about, actor }
    }
  }
}
