/** The worker's four calls to its master. */
import type { ControlClient } from '../shared/control-client.ts'
import type { NodeId } from '../shared/model.ts'
import {
  type Assignments,
  assignmentsSchema,
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type NodeJoin,
  type NodeJoined,
  nodeJoinedSchema,
} from '../shared/protocol.ts'
import { nothingSchema } from './shapes.ts'

export interface MasterLink {
  join(join: NodeJoin, signal: AbortSignal): Promise<NodeJoined>
  heartbeat(node: NodeId, heartbeat: Heartbeat, signal: AbortSignal): Promise<HeartbeatAnswer>
  /** Answers when the set is another than that of this revision, after a while, or at once. */
  assignments(node: NodeId, after: number | undefined, signal: AbortSignal): Promise<Assignments>
  leave(node: NodeId, signal: AbortSignal): Promise<void>
}

const CALL_MS = 5_000
/** The master holds a long poll for up to 30 s. */
const LONG_POLL_MS = 35_000

export function createMasterLink(
  client: Pick<ControlClient, 'call'>,
  heartbeatDeadlineMs: number,
): MasterLink {
  const post = { method: 'POST', deadlineMs: CALL_MS } as const
  return {
    join: (body, signal) =>
      client.call({ ...post, path: '/v1/nodes', body, schema: nodeJoinedSchema, signal }),
    heartbeat: (node, body, signal) =>
      client.call({
        ...{ ...post, path: `${pathOf(node)}/heartbeat`, body, signal },
        ...{ schema: heartbeatAnswerSchema, deadlineMs: heartbeatDeadlineMs },
        // The master knows a report that it has heard before by its number.
        idempotent: true,
      }),
    assignments: (node, after, signal) =>
      client.call({
        ...{ method: 'GET', path: `${pathOf(node)}/assignments${query(after)}` },
        ...{ schema: assignmentsSchema, deadlineMs: LONG_POLL_MS, signal },
      }),
    leave: async (node, signal) => {
      const path = `${pathOf(node)}/leave`
      await client.call({
        ...post,
        path,
        body: {},
        schema: nothingSchema,
        signal,
        idempotent: true,
      })
    },
  }
}

function query(after: number | undefined): string {
  return after === undefined ? '' : `?after=${after}`
}

function pathOf(node: NodeId): string {
  return `/v1/nodes/${encodeURIComponent(node)}`
}
