/** How soon a slow service gets its next replica, and what the idle programs weigh. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster } from '../support/cluster.ts'
import { Load } from '../support/load.ts'
import { freePort, ROOT } from '../support/program.ts'
import { until } from '../support/until.ts'
import { median, publish, readFlags } from './report.ts'

interface Run {
  readonly reactionMs: number
  readonly startMs: number
}

interface Weights {
  readonly master: number
  readonly worker: number
  readonly proxy: number
}

const SERVICE = join(ROOT, 'test/support/service.mjs')
const SLOW_MS = 150
const OBJECTIVE_MS = 100

const flags = readFlags(process.argv.slice(2))
const runs: Run[] = []
let weights: Weights | undefined
for (let round = 0; round < (flags.quick ? 3 : 15); round += 1) {
  const cluster = await Cluster.start({ workers: 2, proxies: 1 })
  try {
    weights ??= await weigh(cluster)
    runs.push({ reactionMs: await react(cluster), startMs: await bareStart() })
  } finally {
    await cluster.stop()
  }
}
publish(
  {
    bench: 'reaction',
    seed: 0,
    figures: {
      reaction_minus_start_ms_p50: median(
        runs.map(({ reactionMs, startMs }) => reactionMs - startMs),
      ),
      bare_start_ms_p50: median(runs.map(({ startMs }) => startMs)),
      samples: runs.length,
      'rss_mb.master': weights?.master ?? null,
      'rss_mb.worker': weights?.worker ?? null,
      'rss_mb.proxy': weights?.proxy ?? null,
    },
    notes: {
      reaction_minus_start_ms_p50: `both answers take ${SLOW_MS} ms of service time, included`,
    },
    runs,
  },
  flags,
)

/** From the first answer over the objective to the first answer of the new replica. */
async function react(cluster: Cluster): Promise<number> {
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '0')
  await cluster.run('web', { environment: { DELAY_FILE: delayFile } })
  await cluster.serves('web', 1)
  const load = new Load(cluster.at('web'), 100)
  try {
    await until(() => load.answers.filter(({ status }) => status === 200).length > 300)
    const [old] = await cluster.replicas('web')
    writeFileSync(delayFile, String(SLOW_MS))
    await until(() => load.answers.some((a) => a.status === 200 && a.replica !== old?.id), {
      everyMs: 10,
    })
    const ended = load.answers.map((a) => ({ ...a, endedMs: a.atMs + a.tookMs }))
    const slow = ended.filter((a) => a.tookMs > OBJECTIVE_MS).map((a) => a.endedMs)
    const fresh = ended
      .filter((a) => a.status === 200 && a.replica !== old?.id)
      .map((a) => a.endedMs)
    return Math.min(...fresh) - Math.min(...slow)
  } finally {
    await load.stop()
  }
}

/** The same program started by hand: until it answers, polled every 10 ms. */
async function bareStart(): Promise<number> {
  const port = await freePort()
  const startedMs = Date.now()
  const env = { PATH: process.env.PATH, PORT: String(port), HOST: '127.0.0.1' }
  const child = spawn(process.execPath, [SERVICE], { env, stdio: 'ignore' })
  try {
    const asked = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        (response) => response.ok,
        () => false,
      )
    await until(asked, { everyMs: 10 })
    return Date.now() - startedMs
  } finally {
    child.kill('SIGKILL')
  }
}

/** Resident memory of each program after some seconds of idling. */
async function weigh(cluster: Cluster): Promise<Weights> {
  const idleUntilMs = Date.now() + 5_000
  await until(() => Date.now() > idleUntilMs)
  const worker = cluster.workers.get('w1')?.pid ?? 0
  const proxy = cluster.proxies[0]?.program.pid ?? 0
  return { master: rssMb(cluster.master?.pid ?? 0), worker: rssMb(worker), proxy: rssMb(proxy) }
}

function rssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}
