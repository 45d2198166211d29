import { z } from 'zod'
import { RequestError } from '../../../shared/errors.ts'
import { heartbeatSchema, nodeJoinSchema } from '../../../shared/protocol.ts'
import type { Meaning } from '../../decide/intents/at.ts'
import { findNode } from '../../decide/intents/find.ts'
import { cordonNode, drainNode, openNode, removeNode } from '../../decide/intents/node.ts'
import type { MasterSurface } from '../../surface.ts'
import { parsed, parsedWire } from '../parsed.ts'
import { actorOf, type Call, EMPTY, json, type Route, WIRE_BYTES_MAX } from '../route.ts'
import { nodeView } from '../views/node-view.ts'

/** What people do with nodes. */
export function nodeRoutes(master: MasterSurface): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/nodes',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: () => {
        const nodes = [...master.desired.nodes.values()]
        return json({ nodes: nodes.map((node) => nodeView(node, master)) })
      },
    },
    {
      method: 'get',
      path: '/v1/nodes/:id',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: ({ params }) => json(nodeView(findNode(master.desired, params.id ?? ''), master)),
    },
    {
      method: 'get',
      path: '/v1/nodes/:id/series',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: ({ params }) => {
        return json(master.history.ofNode(findNode(master.desired, params.id ?? '').id))
      },
    },
    turnRoute(master, { method: 'delete', path: '/v1/nodes/:id', status: 202 }, removeNode),
    turnRoute(master, { path: '/v1/nodes/:id/release', status: 202 }, drainNode),
    turnRoute(master, { path: '/v1/nodes/:id/cordon', status: 200 }, cordonNode),
    turnRoute(master, { path: '/v1/nodes/:id/open', status: 200 }, openNode),
  ]
}

interface Turn {
  readonly method?: 'delete'
  readonly path: string
  readonly status: number
}

/** Removing a machine is for admins; moving its replicas is daily work. */
function turnRoute(
  master: MasterSurface,
  { method, path, status }: Turn,
  meaning: (text: string) => Meaning,
): Route {
  return {
    method: method ?? 'post',
    path,
    roles: method === 'delete' ? [] : ['operator'],
    kind: 'write',
    handle: async ({ params, caller }) => {
      const node = findNode(master.desired, params.id ?? '')
      await master.commit(meaning(node.id), actorOf(caller))
      return json(nodeView(master.desired.nodes.get(node.id) ?? node, master), status)
    },
  }
}

const afterSchema = z.object({ after: z.coerce.number().int().nonnegative().optional() })
const UNKNOWN_ASSIGNMENTS = -1

/** What workers say and ask. */
export function workerRoutes(master: MasterSurface): readonly Route[] {
  const own = ({ params }: Call): string | undefined => params.id
  return [
    {
      method: 'post',
      path: '/v1/nodes',
      roles: ['join', 'node'],
      kind: 'report',
      bodyBytesMax: WIRE_BYTES_MAX,
      subject: (call) => returning(call, master),
      handle: async ({ body, caller }) => {
        const join = parsedWire(nodeJoinSchema, body, 'join')
        return json(await master.workers.join(join, caller), 201)
      },
    },
    {
      method: 'post',
      path: '/v1/nodes/:id/heartbeat',
      roles: ['node'],
      kind: 'report',
      bodyBytesMax: WIRE_BYTES_MAX,
      subject: own,
      handle: ({ params, body }) =>
        json(
          master.workers.heartbeat(params.id ?? '', parsedWire(heartbeatSchema, body, 'heartbeat')),
        ),
    },
    {
      method: 'get',
      path: '/v1/nodes/:id/assignments',
      roles: ['node'],
      kind: 'news',
      subject: own,
      handle: async ({ params, query, signal }) => {
        const { after } = parsed(afterSchema, query, 'Cannot read the query')
        const known = after ?? UNKNOWN_ASSIGNMENTS
        return json(await master.workers.assignments(params.id ?? '', known, signal))
      },
    },
    {
      method: 'post',
      path: '/v1/nodes/:id/leave',
      roles: ['node'],
      kind: 'report',
      subject: own,
      handle: async ({ params }) => {
        await master.workers.leave(params.id ?? '')
        return EMPTY
      },
    },
  ]
}

/** A worker with a certificate comes back under the name of its own node. */
function returning({ body, caller }: Call, { desired }: MasterSurface): string | undefined {
  const { subject = '' } = caller
  if (desired.wasRemoved(subject)) {
    throw new RequestError(410, 'GONE', `Cannot let node "${subject}" in: it was removed`)
  }
  return desired.nodeNamed(nameIn(body))?.id
}

function nameIn(body: unknown): string {
  const name = typeof body === 'object' && body !== null && 'name' in body ? body.name : undefined
  if (typeof name === 'string') return name
  throw new RequestError(422, 'VALIDATION_ERROR', 'Cannot accept this join: it has no name')
}
