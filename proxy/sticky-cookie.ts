import type { RouteFragment } from '../shared/model.ts'
import type { ReplicaState } from './decide/replica-state.ts'

/** The cookie by which a client finds its replica again. */
export function cookieNameOf({ name }: Pick<RouteFragment, 'name'>): string {
  return `orchestrify-replica-${name}`
}

/** What sets it, where the service is sticky and the client came without it or with another. */
export function cookieToSet(
  fragment: RouteFragment,
  { id }: Pick<ReplicaState, 'id'>,
  affinity: string | undefined,
): string | undefined {
  if (fragment.balance?.sticky !== 'cookie' || affinity === id) return undefined
  return `${cookieNameOf(fragment)}=${id}; Path=/; HttpOnly; SameSite=Lax`
}
