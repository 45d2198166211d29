import type { MasterSurface } from '../../surface.ts'
import type { Route } from '../route.ts'
import { eventRoutes } from './event-routes.ts'
import { masterRoutes } from './master-routes.ts'
import { nodeRoutes, workerRoutes } from './node-routes.ts'
import { proxyRoutes } from './proxy-routes.ts'
import { replicaRoutes } from './replica-routes.ts'
import { type ServiceOptions, serviceReads, serviceWrites } from './service-routes.ts'
import { streamRoutes } from './stream-routes.ts'

/** Every path there is: what is not in this table does not exist. */
export function apiRoutes(master: MasterSurface, options: ServiceOptions): readonly Route[] {
  return [
    ...masterRoutes(master),
    ...workerRoutes(master),
    ...proxyRoutes(master),
    ...nodeRoutes(master),
    ...serviceReads(master),
    ...serviceWrites(master, options),
    ...replicaRoutes(master),
    ...eventRoutes(master),
    ...streamRoutes(master),
  ]
}
