/** Creates a service and waits until it serves, telling what keeps it from doing so. */
import type { ReplicaView, ServiceView } from '../../shared/api.ts'
import { replicasAnswer, serviceAnswer } from './answers.ts'
import type { Api } from './api.ts'
import type { Session } from './command.ts'
import { CliError, EXIT_INTERRUPTED } from './failure.ts'
import { pathOf } from './listing.ts'
import { untilRouted } from './reachability.ts'
import type { ServiceInput } from './spec.ts'
import { StartProgress } from './start-progress.ts'
import { StartWatch } from './start-watch.ts'

const LOOK_EVERY_MS = 200
const WAIT_DEFAULT_MS = 120_000

export interface Deployment {
  readonly input: ServiceInput
  /** 0: do not wait. */
  readonly waitMs?: number
}

export async function deploy(
  api: Api,
  { input, waitMs = WAIT_DEFAULT_MS }: Deployment,
  session: Session,
): Promise<number> {
  const watch = await StartWatch.begin(api)
  const created = serviceAnswer(await api.send('POST', '/v1/services', input))
  if (waitMs === 0) {
    session.screen.print(`"${created.name}" is created; it starts now.`)
    return 0
  }
  if (created.replicas === 0) {
    session.screen.print(`"${created.name}" is created without a replica.`)
    return 0
  }
  const progress = new StartProgress(api)
  try {
    return await untilUp(api, { created, waitMs, watch, progress }, session)
  } finally {
    progress.close()
  }
}

interface Waiting {
  readonly created: ServiceView
  readonly waitMs: number
  readonly watch: StartWatch
  readonly progress: StartProgress
}

async function untilUp(
  api: Api,
  { created, waitMs, watch, progress }: Waiting,
  session: Session,
): Promise<number> {
  const untilMs = session.clock.nowMs() + waitMs
  let told: string | undefined
  for (;;) {
    const failed = await watch.failureOf(created.id)
    if (failed?.isTriedElsewhere === false) throw failure(created.name, failed.reason)
    const seen = await look(api, created)
    const obstacle = failed === undefined ? obstacleOf(seen) : `${failed.reason}; tried elsewhere`
    if (obstacle !== undefined && obstacle !== told) {
      progress.clear()
      session.screen.complain(`Waiting: ${obstacle}`)
    }
    told = obstacle ?? told
    progress.look(seen.replicas)
    if (isUp(seen)) {
      progress.close()
      await untilRouted(api, created.id, session)
      report(seen, session)
      return 0
    }
    if (session.clock.nowMs() >= untilMs) throw lateness(seen, waitMs)
    await session.clock.sleep(LOOK_EVERY_MS, session.signal)
    if (session.signal.aborted) {
      throw new CliError(`Stopped waiting for "${created.name}"; it goes on starting`, {
        exitCode: EXIT_INTERRUPTED,
      })
    }
  }
}

interface Seen {
  readonly service: ServiceView
  readonly replicas: readonly ReplicaView[]
}

async function look(api: Api, { id, name }: ServiceView): Promise<Seen> {
  const [service, replicas] = await Promise.all([
    api.get(pathOf('services', id)),
    api.get(`/v1/replicas?service=${encodeURIComponent(name)}`),
  ])
  return { service: serviceAnswer(service), ...replicasAnswer(replicas) }
}

function isUp({ service }: Seen): boolean {
  return service.serving >= Math.max(1, service.replicas)
}

/** What only waiting or the operator can change; starting alone is no obstacle. */
function obstacleOf({ replicas }: Seen): string | undefined {
  const held = replicas.find(({ state }) => state === 'pending' || state === 'waiting')
  return held?.reason
}

function report({ service, replicas }: Seen, { screen }: Session): void {
  screen.print(`"${service.name}" serves, objective ${service.objective}.`)
  for (const replica of replicas.filter(({ state }) => state === 'serving')) {
    screen.print(`  on ${replica.nodeName ?? replica.node}: ${replica.url ?? 'no address'}`)
  }
  for (const url of service.urls) screen.print(`  through the proxy: ${url}`)
  if (service.urls.length === 0) {
    screen.print(`  no proxy reports; with one it is served under ${service.path}`)
  }
}

function failure(name: string, reason: string): CliError {
  const next = `It is tried again; "orchestrify rm ${name}" removes it.`
  return new CliError(`Cannot start "${name}": ${reason}`, { next })
}

function lateness({ service, replicas }: Seen, waitMs: number): CliError {
  const stuck = replicas.find(({ state }) => state !== 'serving')
  const state = stuck === undefined ? 'no replica exists yet' : stateOf(stuck)
  return new CliError(
    `Cannot wait longer for "${service.name}": after ${waitMs / 1000} s ` +
      `${service.serving} of ${service.replicas} serve, ${state}`,
    { next: `Look with "orchestrify procs ${service.name}" and "orchestrify events".` },
  )
}

function stateOf({ state, reason }: ReplicaView): string {
  return reason === undefined ? `one is ${state}` : `one is ${state}: ${reason}`
}
