import { Agent } from 'node:http'
import type { Socket } from 'node:net'

export interface PoolLimits {
  readonly upstreamConnectionsMax: number
  readonly upstreamIdleMs: number
}

/** Kept connections to replicas, bounded per replica. */
export function createPool(limits: PoolLimits): Agent {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: limits.upstreamConnectionsMax,
    maxFreeSockets: limits.upstreamConnectionsMax,
    scheduling: 'lifo',
    timeout: limits.upstreamIdleMs,
  })
  guardIdle(agent)
  return agent
}

/** Bytes on a connection that asked for nothing would be read as the next client's answer. */
function guardIdle(agent: Agent): void {
  const keep = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket: Socket) => {
    const kept = keep(socket)
    socket.on('data', poisoned)
    return kept
  }
  agent.reuseSocket = (socket: Socket, request) => {
    socket.off('data', poisoned)
    reuse(socket, request)
  }
}

function poisoned(this: Socket): void {
  this.destroy()
}
