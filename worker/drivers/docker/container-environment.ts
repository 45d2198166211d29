import type { NodeId } from '../../../shared/model.ts'
import type { AssignedReplica } from '../../../shared/protocol.ts'

const OURS = ['PORT', 'HOST', 'ORCHESTRIFY_NODE', 'ORCHESTRIFY_SERVICE', 'ORCHESTRIFY_REPLICA']

/** What a container is told; where it listens is ours to say, whatever the service's own says. */
export function environmentOf(
  { environment, serviceName, replica }: AssignedReplica,
  { port, node }: { readonly port: number; readonly node: NodeId },
): readonly string[] {
  const told: Readonly<Record<string, string>> = {
    ...environment,
    PORT: String(port),
    HOST: '0.0.0.0',
    ORCHESTRIFY_NODE: node,
    ORCHESTRIFY_SERVICE: serviceName,
    ORCHESTRIFY_REPLICA: replica,
  }
  return Object.entries(told).map(([name, value]) => `${name}=${value}`)
}

export function isOurVariable(name: string): boolean {
  return OURS.includes(name)
}
