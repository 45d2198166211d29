import type { Change } from '../../shared/change.ts'
import { conflict } from '../../shared/errors.ts'
import type { Node, NodeId } from '../../shared/model.ts'
import type { NodeJoin } from '../../shared/protocol.ts'
import type { DesiredView } from './desired.ts'

export interface JoinContext {
  readonly nowMs: number
  readonly address: string
  /** The SHA-256 of the secret that the worker showed, when it showed one. */
  readonly shownHash?: string
  /** The SHA-256 of the secret that it gets now. */
  readonly secretHash: string
  /** Whether the node of that name reports at this moment. */
  readonly isAlive: (node: NodeId) => boolean
  newId(): NodeId
}

/** The same name gets the same id, unless its owner is alive and the caller cannot prove to be it. */
export function joinNode(desired: DesiredView, join: NodeJoin, at: JoinContext): Change {
  const known = desired.nodeNamed(join.name)
  if (known === undefined) return joined(fresh(join, at), at.nowMs, `worker ${join.name} joined`)
  const proved = at.shownHash !== undefined && at.shownHash === known.secretHash
  if (!proved && at.isAlive(known.id)) {
    const remedy = 'stop it or choose another --worker-name'
    throw conflict(`Cannot join as "${join.name}": a worker of that name is connected; ${remedy}`)
  }
  if (known.driver !== join.driver) {
    const fixed = `its driver is ${known.driver}; delete the node first to change it`
    throw conflict(`Cannot join as "${join.name}" with driver ${join.driver}: ${fixed}`)
  }
  const schedulability = known.schedulability === 'leaving' ? 'open' : known.schedulability
  const { address, secretHash } = at
  const { capacity } = join
  const joinedAtMs = at.nowMs
  const node = { ...known, schedulability, address, secretHash, capacity, joinedAtMs }
  return joined(node, at.nowMs, `worker ${join.name} came back`)
}

function fresh(join: NodeJoin, at: JoinContext): Node {
  return {
    id: at.newId(),
    name: join.name,
    address: at.address,
    driver: join.driver,
    pool: 'platform',
    schedulability: 'open',
    capacity: join.capacity,
    joinedAtMs: at.nowMs,
    secretHash: at.secretHash,
    condition: 'ready',
  }
}

function joined(node: Node, atMs: number, reason: string): Change {
  return { kind: 'node-joined', node, atMs, actor: `worker ${node.name}`, reason }
}
