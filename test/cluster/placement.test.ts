/** A real master with workers that only say what they are told to: placement by chosen loads. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Assignments, NodeJoined } from '../../shared/protocol.ts'
import { Cluster } from '../support/cluster.ts'
import { freePort } from '../support/program.ts'
import { until } from '../support/until.ts'

let cluster: Cluster
const stop = new AbortController()
const workers = new Map<string, PretendWorker>()

class PretendWorker {
  id = ''
  cpuPercent: number
  memoryPercent: number
  #seq = 0

  constructor(cpuPercent: number, memoryPercent: number) {
    this.cpuPercent = cpuPercent
    this.memoryPercent = memoryPercent
  }

  async join(name: string): Promise<void> {
    const capacity = { cpus: 4, memoryMb: 8_192 }
    const body = { wire: 1, name, driver: 'process', capacity, address: '127.0.0.1' }
    this.id = (await cluster.api<NodeJoined>('/v1/nodes', 'POST', body)).node
    void this.#beatOn()
  }

  /** What the master wants this node to run. */
  async assigned(): Promise<readonly string[]> {
    const answer = await cluster.api<Assignments>(`/v1/nodes/${this.id}/assignments?after=999999`)
    return answer.replicas.map(({ serviceName }) => serviceName)
  }

  async #beatOn(): Promise<void> {
    while (!stop.signal.aborted) {
      const { cpuPercent, memoryPercent } = this
      const other = { diskPercent: 1, networkInBytes: 0, networkOutBytes: 0 }
      const load = { cpuPercent, memoryPercent, ...other }
      this.#seq += 1
      const told = { wire: 1, boot: 'b1', seq: this.#seq, full: true, load, replicas: [], gone: [] }
      const beat = { ...told, assignments: 0 }
      await cluster.call(`/v1/nodes/${this.id}/heartbeat`, 'POST', beat).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
  }
}

beforeAll(async () => {
  cluster = new Cluster({ masterFlags: ['--busy-cpu', '85'] })
  cluster.masterPort = await freePort()
  await cluster.startMaster()
  const loads = { a: [9, 80], b: [50, 5], c: [30, 30], d: [20, 20] } as const
  for (const [name, [cpu, memory]] of Object.entries(loads)) {
    const worker = new PretendWorker(cpu, memory)
    workers.set(name, worker)
    await worker.join(name)
  }
  await cluster.nodesAre('ready', 4)
})
afterAll(async () => {
  stop.abort()
  await cluster.stop()
})

async function placeOf(service: string): Promise<string | undefined> {
  await cluster.run(service, { autoscale: false })
  const replica = await until(async () =>
    (await cluster.replicas(service)).find(({ node }) => node !== undefined),
  )
  return replica.nodeName
}

test('the worker with the numerically least CPU + RAM use gets the replica (O-11)', async () => {
  expect(await placeOf('first')).toBe('d')
  expect(await workers.get('d')?.assigned()).toEqual(['first'])
})

test('a worker over 85 % gets nothing, and again something when it is below (O-03)', async () => {
  const least = workers.get('d')
  if (least === undefined) throw new Error('there is no worker d')
  least.cpuPercent = 100
  await cluster.nodesAre('busy', 1)
  expect(await placeOf('second')).toBe('b')
  least.cpuPercent = 1
  least.memoryPercent = 1
  await cluster.nodesAre('ready', 4)
  await until(async () => {
    const node = (await cluster.nodes()).find(({ name }) => name === 'd')
    return (node?.cpuPercent ?? 100) < 10 && (node?.memoryPercent ?? 100) < 10
  })
  expect(await placeOf('third')).toBe('d')
})

test('what fits nowhere stays pending and says why in numbers (K-08)', async () => {
  await cluster.run('huge', { autoscale: false, reserve: { memory: '9000m' }, memory: '9000m' })
  const pending = await until(async () =>
    (await cluster.replicas('huge')).find(({ state }) => state === 'pending'),
  )
  expect(pending.reason).toMatch(/needs 9000 MB, \w has \d+ MB free/)
})

test('the reason of a placement is in the events (R6)', async () => {
  const added = (await cluster.events()).filter(({ change }) => change.kind === 'replica-added')
  expect(added[0]?.change.reason).toContain('d runs 0 of it, with 20 % CPU and 20 % RAM in use')
})
