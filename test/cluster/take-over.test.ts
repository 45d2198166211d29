/** Proxies that follow a master, while their processes are replaced or killed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProxyView } from '../../shared/api.ts'
import { Crowd } from '../proxy/parent/support/crowd.ts'
import { Cluster, type RunningProxy } from '../support/cluster.ts'
import { childrenOf, isAlive } from '../support/processes.ts'
import { routed, tableOf } from '../support/routing-table.ts'
import { until } from '../support/until.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.start({ workers: 1 })
})
afterAll(() => cluster?.stop())

test('a take-over under load, with a scale-in and a restart of the master in its middle, fails no request', async () => {
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '40')
  const environment = { DELAY_FILE: delayFile }
  await cluster.run('web', { autoscale: false, replicas: 4, environment })
  await routed(cluster, 'web', 4)
  const [proxy] = cluster.proxies
  if (proxy === undefined) throw new Error('there is no proxy')
  const [before] = await proxies()
  const url = cluster.at('web', '/echo')
  const crowds = [true, false].map((keepAlive) => new Crowd({ url, clients: 6, keepAlive }))
  const goesOn = progressOf(crowds)
  await goesOn()
  for (const replicas of [2, 1]) {
    const left = said(proxy, 'proxy leaving')
    process.kill(proxy.program.pid, 'SIGUSR2')
    await cluster.api('/v1/services/web/scale', 'POST', { replicas })
    await until(() => hasLeft(proxy, left + 1), { timeoutMs: 40_000 })
    await cluster.serves('web', replicas)
    await goesOn()
  }
  process.kill(proxy.program.pid, 'SIGUSR2')
  await cluster.master?.end('SIGKILL')
  await cluster.startMaster()
  await cluster.nodesAre('ready', 1)
  await until(() => hasLeft(proxy, 3) || said(proxy, FAILED) > 0, { timeoutMs: 40_000 })
  await goesOn()
  await Promise.all(crowds.map((crowd) => crowd.stop()))
  expect(crowds.flatMap(({ failures }) => failures)).toEqual([])
  expect((await proxies()).map(({ id }) => id)).toEqual([before?.id])
  await until(() => childrenOf(proxy.program.pid).length === 1)
})

test('a carrier that is killed is replaced under its name, and drains are still heard', async () => {
  await cluster.run('drained', { autoscale: false, replicas: 2 })
  await routed(cluster, 'drained', 2)
  const [proxy] = cluster.proxies
  const pid = proxy?.program.pid ?? 0
  const [before] = await proxies()
  const [carrier = 0] = childrenOf(pid)
  process.kill(carrier, 'SIGKILL')
  await until(() => !isAlive(carrier))
  // Nobody is refused: the socket is the parent's.
  expect(await (await fetch(cluster.at('drained', '/echo?1'))).text()).toBe('?1')
  await until(() => childrenOf(pid).length === 1)
  await cluster.api('/v1/services/drained/scale', 'POST', { replicas: 1 })
  await cluster.serves('drained', 1)
  expect((await proxies()).map(({ id }) => id)).toEqual([before?.id])
})

test('a proxy whose parent is killed finishes, and starts again under its name', async () => {
  const delayFile = join(cluster.dir, 'long-delay')
  writeFileSync(delayFile, '1000')
  await cluster.run('whole', { autoscale: false, environment: { DELAY_FILE: delayFile } })
  await routed(cluster, 'whole', 1)
  const [proxy] = cluster.proxies
  const [before] = await proxies()
  const [carrier = 0] = childrenOf(proxy?.program.pid ?? 0)
  const asked = fetch(cluster.at('whole', '/echo?whole'))
  await until(async () => Object.keys((await tableOf(proxy)).inFlight).length === 1)
  await proxy?.program.end('SIGKILL')
  expect(await (await asked).text()).toBe('?whole')
  await until(() => !isAlive(carrier))
  await cluster.restartProxy(0)
  expect(await (await fetch(cluster.at('whole', '/echo?again'))).text()).toBe('?again')
  await until(async () => (await proxies()).length === 1)
  expect((await proxies()).map(({ id }) => id)).toEqual([before?.id])
})

const FAILED = 'take-over failed, all is as before'

function said({ program }: RunningProxy, message: string): number {
  return program.output.split(`"message":"${message}"`).length - 1
}

/** So many carriers handed over; what is in its log tells why not. */
function hasLeft(proxy: RunningProxy, times: number): boolean {
  if (said(proxy, 'proxy leaving') === times) return true
  throw new Error(proxy.program.output)
}

/** Waits until each crowd got some more answers. */
function progressOf(crowds: readonly Crowd[]): () => Promise<void> {
  return async () => {
    const before = crowds.map(({ answers }) => answers)
    await until(() => crowds.every(({ answers }, at) => answers > (before[at] ?? 0) + 40))
  }
}

async function proxies(): Promise<readonly ProxyView[]> {
  return (await cluster.api<{ proxies: ProxyView[] }>('/v1/proxies')).proxies
}
