import type { Change } from '../../../shared/change.ts'
import { conflict } from '../../../shared/errors.ts'
import type { Node, Pool, Schedulability } from '../../../shared/model.ts'
import { type At, because, type Meaning } from './at.ts'
import { findNode } from './find.ts'

/** Its replicas move away, then it becomes a spare. */
export function drainNode(text: string): Meaning {
  return (desired, at) => {
    const node = findNode(desired, text)
    if (node.schedulability === 'leaving') throw leaving(node, 'release')
    if (node.schedulability === 'draining') return []
    if (node.pool === 'standby' && desired.replicasOn(node.id).length === 0) return []
    return [turn(node, { schedulability: 'draining', pool: node.pool }, at, 'released')]
  }
}

/** Its replicas move away, then its entry goes. */
export function removeNode(text: string): Meaning {
  return (desired, at) => {
    const node = findNode(desired, text)
    if (node.schedulability === 'leaving') return []
    return [turn(node, { schedulability: 'leaving', pool: node.pool }, at, 'deleted')]
  }
}

/** It keeps what it runs and takes nothing new. */
export function cordonNode(text: string): Meaning {
  return (desired, at) => {
    const node = findNode(desired, text)
    if (node.schedulability === 'leaving') throw leaving(node, 'cordon')
    if (node.schedulability === 'cordoned') return []
    if (node.schedulability === 'draining') {
      throw conflict(`Cannot cordon node "${node.name}": it is being released; open it first`)
    }
    return [turn(node, { schedulability: 'cordoned', pool: node.pool }, at, 'cordoned')]
  }
}

/** It takes replicas (again), whatever it was doing; a spare joins the platform. */
export function openNode(text: string): Meaning {
  return (desired, at) => {
    const node = findNode(desired, text)
    if (node.schedulability === 'open' && node.pool === 'platform') return []
    return [turn(node, { schedulability: 'open', pool: 'platform' }, at, 'opened')]
  }
}

interface Turn {
  readonly schedulability: Schedulability
  readonly pool: Pool
}

function turn(node: Node, to: Turn, at: At, done: string): Change {
  return { kind: 'node-schedulability', node: node.id, ...to, ...because(at, `${done} by a user`) }
}

function leaving(node: Node, verb: string): Error {
  return conflict(`Cannot ${verb} node "${node.name}": it is leaving the cluster`)
}
