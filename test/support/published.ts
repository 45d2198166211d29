/** Routing tables as a master would publish them, of services on this machine. */
import type { Traffic } from '../../proxy/traffic.ts'
import type { RouteFragment } from '../../shared/model.ts'
import { WIRE_VERSION } from '../../shared/protocol.ts'

export function fragmentOf(
  name: string,
  ports: readonly number[],
  more: Partial<RouteFragment> = {},
): RouteFragment {
  return {
    service: `id-${name}`,
    name,
    objective: { percentile: 95, latencyTargetMs: 100 },
    routes: [],
    endpoints: ports.map((port) => ({
      replica: `${name}-${port}`,
      node: 'n1',
      host: '127.0.0.1',
      port,
      suspect: false,
    })),
    ...more,
  }
}

/** The whole table, as the next revision of the one in force. */
export function publish(traffic: Traffic, fragments: readonly RouteFragment[]): void {
  const { epoch, seq } = traffic.table.revision ?? { epoch: 1, seq: 0 }
  const list = fragments.map((f) => ({ ...f, routes: [...f.routes], endpoints: [...f.endpoints] }))
  const revision = { epoch, seq: seq + 1 }
  const wire = WIRE_VERSION
  traffic.apply({ wire, revision, snapshot: true, fragments: list, removed: [] }, undefined)
}
