import { createHash, randomBytes } from 'node:crypto'
import { RequestError } from '../shared/errors.ts'
import type { NodeId } from '../shared/model.ts'
import {
  type Assignments,
  type Heartbeat,
  type HeartbeatAnswer,
  type NodeJoin,
  type NodeJoined,
  WIRE_VERSION,
} from '../shared/protocol.ts'
import { assignmentsOf } from './decide/assignments.ts'
import { joinNode } from './decide/join.ts'
import type { Ledger } from './ledger.ts'
import type { NodeWatch } from './node-watch.ts'
import type { Caller, WorkerDoor } from './surface.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface WorkerDoorParts {
  readonly ledger: Ledger
  readonly watch: NodeWatch
  readonly nowMs: () => number
  readonly newId: () => string
  readonly suspectAfterMs: number
  readonly heartbeatEveryMs: number
  /** Where images that name no registry come from. */
  readonly registry?: string | undefined
  /** Signs the worker's key, when it asked over TLS. */
  readonly certify: (request: string, node: NodeId) => Promise<string>
  /** Something was seen that may call for a decision. */
  readonly wake: () => void
}

/** Where workers come in: the master answers, it never dials. */
export function openWorkerDoor(parts: WorkerDoorParts): WorkerDoor {
  const changed = new WaitingRoom()
  parts.ledger.onCommit(() => changed.ring())
  return {
    join: (join, from) => admit(join, from, parts),
    heartbeat: (node, heartbeat) => hear(node, heartbeat, parts),
    assignments: (node, after, signal) => assign(node, after, signal, { ...parts, changed }),
    leave: (node) => leave(node, parts),
  }
}

async function admit(join: NodeJoin, from: Caller, parts: WorkerDoorParts): Promise<NodeJoined> {
  const { ledger, watch, nowMs } = parts
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const shown = join.secret === undefined ? {} : { shownHash: hash(join.secret) }
  const address = join.address ?? from.address
  let node = ''
  await ledger.commit((desired) => {
    const change = joinNode(desired, join, {
      nowMs: nowMs(),
      address,
      ...shown,
      secretHash: hash(secret),
      isAlive: (id) =>
        nowMs() - (watch.nodes.get(id)?.seenAtMs ?? Number.NEGATIVE_INFINITY) <
        parts.suspectAfterMs,
      newId: parts.newId,
    })
    if (change.kind === 'node-joined') node = change.node.id
    return [change]
  })
  parts.wake()
  const { certificateRequest } = join
  const certificate =
    certificateRequest === undefined
      ? {}
      : { certificate: await parts.certify(certificateRequest, node) }
  const { heartbeatEveryMs } = parts
  const answer = { wire: WIRE_VERSION, node, secret, address, heartbeatEveryMs } as const
  return { ...answer, epoch: ledger.epoch, ...certificate }
}

const SECRET_BYTES = 32

function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function hear(node: NodeId, heartbeat: Heartbeat, parts: WorkerDoorParts): HeartbeatAnswer {
  expectNode(node, parts)
  const { changed, wantFull } = parts.watch.hear(node, heartbeat, parts.nowMs())
  if (changed) parts.wake()
  return { wire: WIRE_VERSION, epoch: parts.ledger.epoch, wantFull }
}

async function assign(
  node: NodeId,
  after: number,
  signal: AbortSignal,
  parts: WorkerDoorParts & { readonly changed: WaitingRoom },
): Promise<Assignments> {
  const { ledger, changed } = parts
  expectNode(node, parts)
  // A worker that knows more than we do obeyed another log: it gets ours at once.
  while (!signal.aborted && ledger.desired.assignmentsRevision(node) === after) {
    await changed.next(signal)
  }
  expectNode(node, parts)
  return {
    wire: WIRE_VERSION,
    epoch: ledger.epoch,
    revision: ledger.desired.assignmentsRevision(node),
    replicas: assignmentsOf(ledger.desired, node, parts.registry),
  }
}

async function leave(id: NodeId, parts: WorkerDoorParts): Promise<void> {
  expectNode(id, parts)
  await parts.ledger.commit((desired) => {
    const node = desired.nodes.get(id)
    if (node === undefined || node.schedulability === 'leaving') return []
    const actor = `worker ${node.name}`
    const reason = 'it ends gracefully'
    const { pool } = node
    const atMs = parts.nowMs()
    return [
      {
        kind: 'node-schedulability',
        node: id,
        schedulability: 'leaving',
        pool,
        atMs,
        actor,
        reason,
      },
    ]
  })
  parts.wake()
}

function expectNode(node: NodeId, { ledger }: WorkerDoorParts): void {
  if (ledger.desired.nodes.has(node)) return
  if (ledger.desired.wasRemoved(node)) {
    throw new RequestError(410, 'GONE', `Cannot serve node "${node}": it was removed`)
  }
  throw new RequestError(404, 'UNKNOWN_NODE', `Cannot serve node "${node}": it has not joined`)
}
