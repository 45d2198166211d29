/** The routing table that a proxy of a cluster has in force. */
import type { RouteFragment } from '../../shared/model.ts'
import type { Cluster, RunningProxy } from './cluster.ts'
import { until } from './until.ts'

/** What the port for operators says. */
export interface Table {
  readonly services: readonly RouteFragment[]
  readonly permits: Readonly<Record<string, number>>
  readonly learned: readonly string[]
  readonly inFlight: Readonly<Record<string, number>>
  readonly queued: Readonly<Record<string, number>>
}

export async function tableOf(proxy: RunningProxy | undefined): Promise<Table> {
  const answer = await fetch(`${proxy?.adminUrl}/routes`)
  return (await answer.json()) as Table
}

/** Waits until the first proxy knows the service, and answers what it knows. */
export function fragmentOf({ proxies }: Cluster, name: string): Promise<RouteFragment> {
  return until(async () => {
    const { services } = await tableOf(proxies[0])
    return services.find((fragment) => fragment.name === name)
  })
}

/** Waits until so many replicas serve, and the first proxy asks all of them. */
export async function routed(cluster: Cluster, name: string, count: number): Promise<void> {
  await cluster.serves(name, count)
  await until(async () => (await fragmentOf(cluster, name)).endpoints.length === count)
}
