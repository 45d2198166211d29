import type { AssignedReplica } from '../../../shared/protocol.ts'

/** The variable by which a replica's process is recognised. */
export const MARK = 'ORCHESTRIFY_REPLICA'

/** Of the worker's own environment a replica sees only what nothing runs without. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR']

export interface Surroundings {
  readonly node: string
  /** The address of this machine that replicas listen on. */
  readonly host: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface Place {
  readonly folder: string
  readonly port: number
}

/** What a replica is told; where it lives is ours to say, whatever the service's own says. */
export function environmentOf(
  assigned: AssignedReplica,
  place: Place,
  { node, host, environment }: Surroundings,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name): [string, string][] => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...Object.fromEntries(inherited),
    ...assigned.environment,
    PWD: place.folder,
    HOST: host,
    PORT: String(place.port),
    ORCHESTRIFY_NODE: node,
    ORCHESTRIFY_SERVICE: assigned.serviceName,
    [MARK]: assigned.replica,
  }
}
