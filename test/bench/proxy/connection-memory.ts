/** What connections cost a fresh proxy of ours in memory. */
import { connect, type Socket } from 'node:net'
import { systemClock } from '../../../shared/clock.ts'
import { until } from '../../support/until.ts'
import type { Contender } from '../peers/contenders.ts'
import { memoryOf, type TreeMemory } from '../process-tree.ts'
import type { Loading } from './workloads.ts'

export interface BusyMemory extends TreeMemory {
  readonly requests: number
}

export interface IdleMemory {
  readonly connections: number
  readonly before: TreeMemory
  readonly after: TreeMemory
}

const SAMPLE_MS = 100
const BATCH = 100
const REQUEST = 'GET /100 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

/** The most that was resident while the load ran. */
export async function busyMemory(
  contender: Contender,
  load: Loading,
  ms: number,
): Promise<BusyMemory> {
  const samples: TreeMemory[] = []
  const ending = new AbortController()
  const sampling = (async () => {
    while (!ending.signal.aborted) {
      samples.push(memoryOf(contender.pid))
      await systemClock.sleep(SAMPLE_MS, ending.signal)
    }
  })()
  const { done } = await load(contender, ms).finally(() => ending.abort())
  await sampling
  const most = samples.reduce((a, b) => (b.mb > a.mb ? b : a))
  return { ...most, requests: done }
}

/** What was resident before and after so many connections were opened, used once, and kept. */
export async function idleMemory(
  contender: Contender,
  connections: number,
  settleMs: number,
): Promise<IdleMemory> {
  await systemClock.sleep(settleMs)
  const before = memoryOf(contender.pid)
  const sockets: Socket[] = []
  try {
    while (sockets.length < connections) {
      const batch = Array.from({ length: Math.min(BATCH, connections - sockets.length) })
      sockets.push(...(await Promise.all(batch.map(() => usedOnce(contender.port)))))
    }
    await systemClock.sleep(settleMs)
    const gone = sockets.filter(({ readyState }) => readyState !== 'open').length
    if (gone > 0) throw new Error(`Cannot weigh idle connections: ${gone} of them were closed`)
    return { connections, before, after: memoryOf(contender.pid) }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

export function idleConnectionKb({ connections, before, after }: IdleMemory): number {
  return ((after.mb - before.mb) * 1024) / connections
}

async function usedOnce(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let failure: Error | undefined
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
  })
  socket.on('error', (error) => {
    failure = error
  })
  socket.write(REQUEST)
  await until(() => failure !== undefined || received.endsWith('x'.repeat(100)), { everyMs: 5 })
  if (failure !== undefined) throw failure
  return socket
}
