/** What a name on the command line means: a service with its replicas, or one replica. */
import type { ReplicaView } from '../../shared/api.ts'
import { RequestError } from '../../shared/errors.ts'
import { replicaAnswer, replicasAnswer } from './answers.ts'
import { CliError } from './failure.ts'
import { type Connected, pathOf } from './listing.ts'

export type Target =
  | { readonly kind: 'service'; readonly name: string; readonly replicas: readonly ReplicaView[] }
  | { readonly kind: 'replica'; readonly id: string; readonly view?: ReplicaView }

export async function findTarget(api: Connected, name: string): Promise<Target> {
  const replicas = await unlessUnknown(replicasOf(api, name))
  if (replicas !== undefined) return { kind: 'service', name, replicas }
  const view = await unlessUnknown(api.get(pathOf('replicas', name)).then(replicaAnswer))
  if (view !== undefined) return { kind: 'replica', id: view.id, view }
  // A replica that went lately still has its output.
  return { kind: 'replica', id: name }
}

export function nobodyIs(name: string): CliError {
  const next = 'See "orchestrify services" and "orchestrify procs".'
  return new CliError(`Cannot find a service or a replica "${name}"`, { next })
}

export async function replicasOf(api: Connected, service: string): Promise<readonly ReplicaView[]> {
  const raw = await api.get(`/v1/replicas?service=${encodeURIComponent(service)}`)
  return replicasAnswer(raw).replicas
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined
    throw error
  }
}
