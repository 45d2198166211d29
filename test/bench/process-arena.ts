/** The whole cluster on this machine, with replicas as processes. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster } from '../support/cluster.ts'
import { Load } from '../support/load.ts'
import { freePort, ROOT } from '../support/program.ts'
import {
  type Arena,
  idle,
  PROXY_NOTES,
  polledStart,
  programWeights,
  REQUESTS_PER_SECOND,
  reaction,
  SLOW_MS,
  type Weights,
} from './arena.ts'

const SERVICE = join(ROOT, 'test/support/service.mjs')

export const processArena: Arena = {
  notes: {
    ...PROXY_NOTES,
    reaction_minus_start_ms_p50: `both answers take ${SLOW_MS} ms of service time, included`,
  },
  react: () => inCluster(react),
  bareStart,
  weigh: (quick) => inCluster((cluster) => weigh(cluster, quick)),
  close: async () => undefined,
}

async function inCluster<T>(task: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await Cluster.start({ workers: 2, proxies: 1 })
  try {
    return await task(cluster)
  } finally {
    await cluster.stop()
  }
}

async function react(cluster: Cluster): Promise<number> {
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '0')
  await cluster.run('web', { environment: { DELAY_FILE: delayFile } })
  const [old] = await cluster.serves('web', 1)
  const load = new Load(cluster.at('web'), REQUESTS_PER_SECOND)
  try {
    return await reaction(load, old?.id ?? '', () => writeFileSync(delayFile, String(SLOW_MS)))
  } finally {
    await load.stop()
  }
}

async function bareStart(): Promise<number> {
  const port = await freePort()
  const env = { PATH: process.env.PATH, PORT: String(port), HOST: '127.0.0.1' }
  const child = spawn(process.execPath, [SERVICE], { env, stdio: 'ignore' })
  try {
    const asked = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        (response) => response.ok,
        () => false,
      )
    return await polledStart(asked)
  } finally {
    child.kill('SIGKILL')
  }
}

async function weigh(cluster: Cluster, quick: boolean): Promise<Weights> {
  await idle(quick)
  return programWeights({
    master: cluster.master?.pid ?? 0,
    worker: cluster.workers.get('w1')?.pid ?? 0,
    proxy: cluster.proxies[0]?.program.pid ?? 0,
  })
}
