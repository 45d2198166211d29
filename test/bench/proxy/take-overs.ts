/**
 * New routes and new processes under clients that never try again: half of them keep their
 * connections, half open one for each request.
 */
import { freePort } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import {
  type Contender,
  contender,
  listening,
  preparePeer,
  startPeer,
} from '../peers/contenders.ts'
import { carriersOf, startOursWith } from '../peers/ours.ts'
import type { Stand } from '../peers/stand.ts'
import { type Crowd, closedCrowd, during, type Ended } from './crowd.ts'
import { Fleet, webFragment } from './fleet.ts'
import { RouteMaster } from './route-master.ts'

export interface TakeOverPlan {
  /** The compiled server of replicas. */
  readonly program: string
  readonly times: number
  /** The clients go on until so many requests have ended. */
  readonly requestsMin: number
}

export interface TakeOverRun extends Ended {
  readonly times: number
}

const KEPT_CLIENTS = 32
const FRESH_CLIENTS = 32
const REPLICAS = 4
const TAKE_OVER_TIMEOUT_MS = 60_000
const SERVICE = ['slots=1024', 'mean=0']

export interface OursRun {
  readonly tables: TakeOverRun
  /** Why this build cannot be taken over, where it cannot. */
  readonly processes: TakeOverRun | string
}

/** A proxy of ours gets as many new tables as planned, then as many processes take it over. */
export async function oursTakeOvers(stand: Stand, plan: TakeOverPlan): Promise<OursRun> {
  const master = await RouteMaster.start()
  const fleet = new Fleet({ stand, master, server: [plan.program, ...SERVICE] })
  try {
    await fleet.grow(REPLICAS)
    const ours = await startOursWith(stand, ['--master-ip', master.url])
    await master.acknowledged()
    const tables = await underCrowd(oursCrowd(ours), plan, (round) => reload(master, fleet, round))
    const processes =
      carriersOf(ours).length === 0
        ? 'no process of this build owns the socket for another one, so none can take it over'
        : await underCrowd(oursCrowd(ours), plan, () => takeOver(ours))
    await stand.end(ours)
    return { tables, processes }
  } finally {
    await fleet.close()
    await master.stop()
  }
}

/** `nginx -s reload`. */
export async function nginxReloads(stand: Stand, plan: TakeOverPlan): Promise<TakeOverRun> {
  const upstream = await startUpstream(stand, plan.program)
  const nginx = await startPeer(stand, 'nginx', { upstreams: [upstream.port] })
  const run = await underCrowd(closedCrowd(nginx.port, KEPT_CLIENTS, FRESH_CLIENTS), plan, () => {
    const old = carriersOf(nginx)
    process.kill(nginx.pid, 'SIGHUP')
    return until(() => carriersOf(nginx).some((pid) => !old.includes(pid)))
  })
  await stand.end(nginx)
  await stand.end(upstream)
  return run
}

/** `haproxy -sf`: the new process binds the port, too, and tells the old one to finish. */
export async function haproxyTakeOvers(stand: Stand, plan: TakeOverPlan): Promise<TakeOverRun> {
  const upstream = await startUpstream(stand, plan.program)
  const site = { upstreams: [upstream.port] }
  const port = await freePort()
  const { argv } = preparePeer(stand, 'haproxy', site, port)
  let current = stand.start(argv)
  await listening(current, 'haproxy', port)
  const run = await underCrowd(closedCrowd(port, KEPT_CLIENTS, FRESH_CLIENTS), plan, async () => {
    const old = current
    current = stand.start([...argv, '-sf', String(old.pid)])
    await until(() => !old.isRunning, { timeoutMs: TAKE_OVER_TIMEOUT_MS })
  })
  await stand.end(current)
  await stand.end(upstream)
  return run
}

function oursCrowd({ port }: Contender): Crowd {
  return closedCrowd(port, KEPT_CLIENTS, FRESH_CLIENTS)
}

/** One replica leaves with each odd table and is back with the next; all of them stay alive. */
async function reload(master: RouteMaster, fleet: Fleet, round: number): Promise<void> {
  const { endpoints } = fleet
  const routed = endpoints.filter((_, at) => round % 2 === 0 || at !== round % endpoints.length)
  const name = `other-${round}`
  const other = { ...webFragment(routed.slice(0, 1)), service: name, name, routes: [] }
  master.publish([webFragment(routed), other])
  await master.acknowledged()
}

/** Ends when nothing is left of those that carried the traffic before. */
async function takeOver(ours: Contender): Promise<void> {
  const old = carriersOf(ours)
  process.kill(ours.pid, 'SIGUSR2')
  const isTaken = (): boolean => {
    const now = carriersOf(ours)
    return now.length > 0 && now.every((pid) => !old.includes(pid))
  }
  await until(isTaken, { timeoutMs: TAKE_OVER_TIMEOUT_MS })
}

/** The operations spread evenly over the requests. */
async function underCrowd(
  crowd: Crowd,
  { times, requestsMin }: TakeOverPlan,
  operate: (round: number) => Promise<unknown>,
): Promise<TakeOverRun> {
  const ended = await during(crowd, async () => {
    for (let round = 0; round < times; round += 1) {
      await reached(crowd, ((round + 0.5) * requestsMin) / times)
      await operate(round)
    }
    await reached(crowd, requestsMin)
  })
  return { times, ...ended }
}

function reached(crowd: Crowd, requests: number): Promise<unknown> {
  return until(() => crowd.requests >= requests, { timeoutMs: 600_000 })
}

async function startUpstream(stand: Stand, program: string): Promise<Contender> {
  const port = await freePort()
  const running = stand.start([program, ...SERVICE, `port=${port}`])
  await listening(running, 'the replica', port)
  return contender(running, 'the replica', port)
}
