/** What a container of ours carries with it, so that any later life of this worker knows it. */
import { invalid } from '../../../shared/errors.ts'
import type { NodeId, ReplicaId } from '../../../shared/model.ts'
import { type AssignedReplica, assignedReplicaSchema } from '../../../shared/protocol.ts'
import { isOurVariable } from './container-environment.ts'

export const LABEL_PREFIX = 'orchestrify.'
/** The node that a container, a network belongs to: whatever lacks it is never touched. */
export const NODE_LABEL = 'orchestrify.node'
export const REPLICA_LABEL = 'orchestrify.replica'

const EPOCH_LABEL = 'orchestrify.epoch'
const PORT_LABEL = 'orchestrify.port'
const ASSIGNED_LABEL = 'orchestrify.assigned'
const VARIABLES_LABEL = 'orchestrify.environment'

export interface Place {
  readonly node: NodeId
  /** The address of this machine at which the replica is reached. */
  readonly host: string
  /** The port of this machine at which the replica is reached. */
  readonly port: number
  readonly epoch: number
}

type Labels = Readonly<Record<string, string>>

export function labelsOf(assigned: AssignedReplica, place: Omit<Place, 'host'>): Labels {
  const { environment, ...rest } = assigned
  const own = Object.keys(assigned.labels).find((name) => name.startsWith(LABEL_PREFIX))
  if (own !== undefined) {
    const state = `the label "${own}" begins with ${LABEL_PREFIX}, as only its own may`
    throw invalid(`Cannot start "${assigned.serviceName}": ${state}`)
  }
  return {
    ...assigned.labels,
    [NODE_LABEL]: place.node,
    [REPLICA_LABEL]: assigned.replica,
    'orchestrify.service': assigned.service,
    'orchestrify.service-name': assigned.serviceName,
    'orchestrify.revision': String(assigned.revision),
    [EPOCH_LABEL]: String(place.epoch),
    [PORT_LABEL]: String(place.port),
    // Labels are shown to everybody who may list containers: values of variables may be secrets.
    [ASSIGNED_LABEL]: JSON.stringify(rest),
    [VARIABLES_LABEL]: JSON.stringify(Object.keys(environment)),
  }
}

/** What it was started for; two containers with the same answer are alike but for their secrets. */
export function purposeOf(labels: Labels): string {
  return [NODE_LABEL, EPOCH_LABEL, PORT_LABEL, ASSIGNED_LABEL]
    .map((name) => labels[name])
    .join('\n')
}

/** Replicas keep their names over restarts: the same container is never made twice. */
export function nameOf({ serviceName, replica }: AssignedReplica): string {
  return `orchestrify-${serviceName}-${shortOf(replica)}`
}

export function shortOf(replica: ReplicaId): string {
  return replica.slice(0, 12)
}

export type Origin =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'damaged'; readonly reason: string }
  | {
      readonly kind: 'ours'
      readonly assigned: AssignedReplica
      readonly port: number
      readonly epoch: number | undefined
    }

/** Whose container this is; its environment is what it runs with: `NAME=VALUE`. */
export function originOf(labels: Labels, environment: readonly string[], node: NodeId): Origin {
  if (labels[NODE_LABEL] !== node) return { kind: 'foreign' }
  const port = numberIn(labels[PORT_LABEL])
  if (port === undefined || port < 1 || port > 65_535) return damaged(`label ${PORT_LABEL}`)
  const assigned = assignedIn(labels, environment)
  if (assigned === undefined) return damaged(`label ${ASSIGNED_LABEL}`)
  if (assigned.replica !== labels[REPLICA_LABEL]) return damaged(`label ${REPLICA_LABEL}`)
  return { kind: 'ours', assigned, port, epoch: numberIn(labels[EPOCH_LABEL]) }
}

function damaged(what: string): Origin {
  return { kind: 'damaged', reason: `its ${what} cannot be read` }
}

function assignedIn(labels: Labels, variables: readonly string[]): AssignedReplica | undefined {
  const rest = parsed(labels[ASSIGNED_LABEL])
  const names = parsed(labels[VARIABLES_LABEL])
  const environment = environmentIn(variables, Array.isArray(names) ? names : [])
  const asked = typeof rest === 'object' && rest !== null ? { ...rest, environment } : rest
  return assignedReplicaSchema.safeParse(asked).data
}

function environmentIn(
  variables: readonly string[],
  names: readonly unknown[],
): Record<string, string> {
  const wanted = new Set(names)
  const entries = variables.map((line) => line.split(/=(.*)/s, 2) as [string, string?])
  const own = entries.filter(([name]) => wanted.has(name) && !isOurVariable(name))
  return Object.fromEntries(own.map(([name, value = '']) => [name, value]))
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
