/** `rss_mb.conns1000` and `idle_conn_kb`, each of a fresh proxy. */
import type { Contender } from '../peers/contenders.ts'
import { startOurs } from '../peers/ours.ts'
import { median } from '../report.ts'
import { busyMemory, type IdleMemory, idleConnectionKb, idleMemory } from './connection-memory.ts'
import { type Part, unmeasured } from './part.ts'
import type { Scene } from './scene.ts'
import { wrk } from './workloads.ts'

const CONNECTIONS = 1_000

export async function busyMemoryPart(scene: Scene): Promise<Part> {
  const { stand, pace, missing } = scene
  const name = `rss_mb.conns${CONNECTIONS}`
  const trouble = missing.get('wrk')
  if (trouble !== undefined) return unmeasured([name], trouble)
  scene.say(`memory: ${CONNECTIONS} connections under load`)
  const ours = await fresh(scene)
  const load = wrk(stand, { path: '/100', connections: CONNECTIONS })
  const busy = await busyMemory(ours, load, pace.busyMs)
  await stand.end(ours)
  const processes = `${busy.processes} process${busy.processes === 1 ? '' : 'es'}`
  const sum = `plain sum of VmRSS ${Math.round(busy.sumMb)} MB`
  return {
    figures: { [name]: busy.mb },
    notes: { [name]: `${processes}, file pages that they share counted once; ${sum}` },
    runs: { [`memory.conns${CONNECTIONS}`]: busy },
  }
}

export async function idleMemoryPart(scene: Scene): Promise<Part> {
  const { stand, pace, missing } = scene
  const { connections, settleMs, runs } = pace.idle
  scene.say(`memory: ${connections} idle connections`)
  const weighed: IdleMemory[] = []
  for (let run = 0; run < runs; run += 1) {
    const ours = await fresh(scene)
    const warm = wrk(stand, { path: '/100', connections: 16 })
    if (!missing.has('wrk')) await warm(ours, pace.first.warmMaxMs)
    weighed.push(await idleMemory(ours, connections, settleMs))
    await stand.end(ours)
  }
  return {
    figures: { idle_conn_kb: median(weighed.map(idleConnectionKb)) },
    notes: { idle_conn_kb: `${connections} connections, each after one request` },
    runs: { 'memory.idle': weighed },
  }
}

function fresh({ stand, backend }: Scene): Promise<Contender> {
  return startOurs(stand, [{ name: 'web', path: '/', upstreams: [backend] }])
}
