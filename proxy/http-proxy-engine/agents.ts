import { Agent } from 'node:http'
import type { Socket } from 'node:net'

export interface AgentLimits {
  readonly upstreamConnectionsMax: number
  readonly upstreamIdleMs: number
}

/** Keeps connections to replicas: without it the package opens one for every request. */
export function keepingAgent(limits: AgentLimits): Agent {
  const agent = new Agent({
    keepAlive: true,
    // How many there may be is counted before: who waits here would wait unseen.
    maxSockets: Number.POSITIVE_INFINITY,
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
