/** Between the tests of one cluster on hosts: nothing of one is there in the next. */
import type { ServiceView } from '../../shared/api.ts'
import type { Cluster } from './cluster.ts'
import { containersOnAll } from './host-containers.ts'
import type { LabHost } from './lab-host.ts'
import { until } from './until.ts'

const TIMEOUT_MS = 60_000

/** Removes every service and waits until no host runs a container of ours. */
export async function tidy(cluster: Cluster, hosts: readonly LabHost[]): Promise<void> {
  for (const { id } of await services(cluster)) await cluster.call(`/v1/services/${id}`, 'DELETE')
  const waiting = { timeoutMs: TIMEOUT_MS }
  await until(async () => (await services(cluster)).length === 0, waiting)
  await until(async () => (await containersOnAll(hosts)).length === 0, waiting)
}

async function services(cluster: Cluster): Promise<readonly ServiceView[]> {
  return (await cluster.api<{ services: ServiceView[] }>('/v1/services')).services
}
