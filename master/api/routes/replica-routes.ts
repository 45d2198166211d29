import { z } from 'zod'
import { findNode, findReplica, findService } from '../../decide/intents/find.ts'
import { removeReplica } from '../../decide/intents/replica.ts'
import type { MasterSurface } from '../../surface.ts'
import { parsed } from '../parsed.ts'
import { actorOf, type Call, json, type Route } from '../route.ts'
import { findReplicaView, replicaView, replicaViews } from '../views/replica-view.ts'

export function replicaRoutes(master: MasterSurface): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/replicas',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: ({ query }) => json({ replicas: replicaViews(master, filterIn(query, master)) }),
    },
    {
      method: 'get',
      path: '/v1/replicas/:id',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: ({ params }) => json(findReplicaView(params.id ?? '', master)),
    },
    {
      method: 'delete',
      path: '/v1/replicas/:id',
      roles: ['operator'],
      kind: 'write',
      handle: async ({ params, caller }) => {
        const replica = findReplica(master.desired, params.id ?? '')
        await master.commit(removeReplica(replica.id), actorOf(caller))
        return json(replicaView(master.desired.replicas.get(replica.id) ?? replica, master), 202)
      },
    },
  ]
}

const filterSchema = z.strictObject({ service: z.string().optional(), node: z.string().optional() })

function filterIn(query: Call['query'], { desired }: MasterSurface) {
  const { service, node } = parsed(filterSchema, query, 'Cannot read the query')
  return {
    ...(service === undefined ? {} : { service: findService(desired, service).id }),
    ...(node === undefined ? {} : { node: findNode(desired, node).id }),
  }
}
