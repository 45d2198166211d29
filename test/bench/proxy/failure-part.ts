/** `failed_ops` and `failed_reloads`: requests that the proxy lost while everything changed. */
import { joined, type Part, unmeasured } from './part.ts'
import { scaleOperations } from './scale-operations.ts'
import type { Scene } from './scene.ts'
import { haproxyTakeOvers, nginxReloads, oursTakeOvers, type TakeOverRun } from './take-overs.ts'

const SEED = 1

export const OPERATION_FIGURES = ['failed_ops', 'requests.ops', 'operations']
const PROCESS_FIGURES = ['failed_reloads', 'failed_reloads.processes', 'take_overs']
export const RELOAD_FIGURES = [
  ...PROCESS_FIGURES,
  'failed_reloads.routes',
  'route_reloads',
  'requests.reloads',
]

export async function operationsPart(scene: Scene): Promise<Part> {
  const { stand, replica: program, pace } = scene
  scene.say(`operations: ${pace.operations.operations} under load`)
  const run = await scaleOperations(stand, { program, ...pace.operations, seed: SEED })
  const shape = `${run.operations} operations, ${run.started} replicas started, ${run.drained} drained`
  return {
    figures: { failed_ops: run.failed, 'requests.ops': run.requests, operations: run.operations },
    notes: { failed_ops: [shape, ...reasonsOf(run)].join('; ') },
    runs: { operations: run },
  }
}

export async function reloadsPart(scene: Scene): Promise<Part> {
  const { stand, replica: program, pace } = scene
  scene.say(`reloads: ${pace.takeOvers.times} tables, as many processes`)
  const { tables, processes } = await oursTakeOvers(stand, { program, ...pace.takeOvers })
  const reloads: Part = {
    figures: { 'failed_reloads.routes': tables.failed, route_reloads: tables.times },
    notes: { 'failed_reloads.routes': described(tables) },
    runs: { reloads: tables },
  }
  if (typeof processes === 'string') {
    return joined([reloads, unmeasured(PROCESS_FIGURES, processes), requestsOf([tables])])
  }
  const takeOvers: Part = {
    figures: {
      failed_reloads: tables.failed + processes.failed,
      'failed_reloads.processes': processes.failed,
      take_overs: processes.times,
    },
    notes: {
      failed_reloads: await peersDescribed(scene),
      'failed_reloads.processes': described(processes),
    },
    runs: { 'take-overs': processes },
  }
  return joined([reloads, takeOvers, requestsOf([tables, processes])])
}

function requestsOf(runs: readonly TakeOverRun[]): Part {
  const requests = runs.reduce((sum, run) => sum + run.requests, 0)
  return { figures: { 'requests.reloads': requests }, notes: {}, runs: {} }
}

async function peersDescribed({ stand, replica, pace, missing, say }: Scene): Promise<string> {
  if (pace.peerTakeOvers === undefined) return 'its peers in a full run only'
  const plan = { program: replica, ...pace.peerTakeOvers }
  const told: string[] = []
  if (!missing.has('nginx-light')) {
    say('reloads: nginx')
    told.push(`nginx -s reload: ${described(await nginxReloads(stand, plan))}`)
  }
  if (!missing.has('haproxy')) {
    say('reloads: haproxy')
    told.push(`haproxy -sf: ${described(await haproxyTakeOvers(stand, plan))}`)
  }
  return told.join('; ')
}

function described(run: TakeOverRun): string {
  const counts = `${run.failed} of ${run.requests} failed, ${run.times} times`
  return [counts, ...reasonsOf(run)].join('; ')
}

function reasonsOf({ reasons }: { readonly reasons: Readonly<Record<string, number>> }) {
  return Object.entries(reasons).map(([reason, count]) => `${count} × ${reason}`)
}
