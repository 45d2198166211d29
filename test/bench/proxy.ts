/** What a request through the proxy costs, beside its peers, and whether any is lost. */
import { availableParallelism } from 'node:os'
import { onStand, type Stand } from './peers/stand.ts'
import { type Missing, provideTools } from './peers/tools.ts'
import { costTable } from './proxy/cost-table.ts'
import {
  PLAIN_FIGURES,
  plainPart,
  SECURE_FIGURES,
  securePart,
  WEB_SOCKET_FIGURES,
  webSocketPart,
} from './proxy/cpu-part.ts'
import {
  OPERATION_FIGURES,
  operationsPart,
  RELOAD_FIGURES,
  reloadsPart,
} from './proxy/failure-part.ts'
import { busyMemoryPart, idleMemoryPart } from './proxy/memory-part.ts'
import { openPart } from './proxy/open-part.ts'
import { FULL, QUICK } from './proxy/pace.ts'
import { attempt, joined, type Part } from './proxy/part.ts'
import { type Scene, setScene } from './proxy/scene.ts'
import { publish, readFlags } from './report.ts'

const flags = readFlags(process.argv.slice(2))
if (availableParallelism() < 2) throw new Error('Cannot measure: two processors are needed')

const missing = await provideTools(['gcc', 'libc6-dev'])
const { figures, notes, runs } = await onStand((stand) => measured(stand, missing))
console.log(costTable(runs))
publish({ bench: 'proxy', seed: 1, figures: withTotals(figures), notes, runs }, flags)

async function measured(stand: Stand, tools: Missing): Promise<Part> {
  const scene = await setScene(stand, flags.quick ? QUICK : FULL, tools)
  const costs = [
    await attempt(PLAIN_FIGURES, () => plainPart(scene)),
    await attempt(SECURE_FIGURES, () => securePart(scene)),
    await attempt(WEB_SOCKET_FIGURES, () => webSocketPart(scene)),
    await attempt(['p50_ratio_nginx.open2000'], () => openPart(scene)),
  ]
  return joined([...costs, ...(await others(scene))])
}

async function others(scene: Scene): Promise<readonly Part[]> {
  const memory = [
    () => attempt(['rss_mb.conns1000'], () => busyMemoryPart(scene)),
    () => attempt(['idle_conn_kb'], () => idleMemoryPart(scene)),
  ]
  const failures = [
    () => attempt(OPERATION_FIGURES, () => operationsPart(scene)),
    () => attempt(RELOAD_FIGURES, () => reloadsPart(scene)),
  ]
  if (!scene.pace.together) return inTurn([...memory, ...failures])
  return (await Promise.all([inTurn(memory), inTurn(failures)])).flat()
}

async function inTurn(tasks: readonly (() => Promise<Part>)[]): Promise<readonly Part[]> {
  const parts: Part[] = []
  for (const task of tasks) parts.push(await task())
  return parts
}

function withTotals(of: Part['figures']): Part['figures'] {
  const requests = (of['requests.ops'] ?? 0) + (of['requests.reloads'] ?? 0)
  const { rounds } = flags.quick ? QUICK.others : FULL.others
  return { ...of, requests, samples: rounds }
}
