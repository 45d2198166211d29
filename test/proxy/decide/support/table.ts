import type { Balance, Endpoint, RouteFragment } from '../../../../shared/model.ts'
import type { ReplicaModel } from './virtual-replica.ts'

export const TARGET_MS = 100

export function endpointOf({ id, weight, suspect = false }: ReplicaModel): Endpoint {
  const endpoint = { replica: id, node: 'n', host: '127.0.0.1', port: 1, suspect }
  return weight === undefined ? endpoint : { ...endpoint, weight }
}

export function fragmentOf(
  endpoints: readonly Endpoint[],
  { balance, comes }: { readonly balance?: Balance; readonly comes?: boolean } = {},
): RouteFragment {
  return {
    service: 's',
    name: 'web',
    objective: { percentile: 95, latencyTargetMs: TARGET_MS },
    routes: [],
    endpoints,
    ...(balance === undefined ? {} : { balance }),
    ...(comes === undefined ? {} : { comes }),
  }
}
