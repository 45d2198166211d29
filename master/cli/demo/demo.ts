/** A cluster in a temporary folder, a load that rises and falls, and what the master makes of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repeat } from '../../../shared/clock.ts'
import { serviceAnswer } from '../answers.ts'
import type { Api } from '../api.ts'
import type { Session } from '../command.ts'
import { deploy } from '../deploy.ts'
import { CliError, EXIT_INTERRUPTED } from '../failure.ts'
import { examplePath } from '../programs.ts'
import { masterUrl, type UpPlan } from '../up/plan.ts'
import { claimPort } from '../up/ports.ts'
import { Supervisor } from '../up/supervisor.ts'
import { type LoadShape, startLoad } from './load.ts'
import { frame, line, type Moment, told } from './view.ts'
import { ClusterWatch } from './watch.ts'

const SERVICE = 'sample'
const OBJECTIVE_MS = 200
const LOOK_EVERY_MS = 100
const DRAW_EVERY_MS = 500
const LINE_EVERY_MS = 3_000

interface Act {
  readonly name: string
  readonly perSecond: number
  readonly connections: number
  readonly atLeastMs: number
  readonly atMostMs: number
  isOver(watch: ClusterWatch): boolean
}

/**
 * One replica of the sample answers about 100 requests per second, and the generator keeps all its
 * connections busy in the rush: 30 requests in flight are 300 ms with one replica, 150 with two.
 */
const ACTS: readonly Act[] = [
  { ...load('calm', 20, 4), atLeastMs: 8_000, atMostMs: 8_000, isOver: () => true },
  {
    ...load('rush', 400, 30),
    atLeastMs: 18_000,
    atMostMs: 30_000,
    isOver: (watch) => watch.scaledUp,
  },
  {
    ...load('ebb', 20, 4),
    atLeastMs: 4_000,
    atMostMs: 45_000,
    isOver: (watch) => watch.scaledDown && watch.wanted === 1,
  },
]

export async function runDemo(session: Session): Promise<number> {
  const { screen, clock, urgent } = session
  const dir = mkdtempSync(join(tmpdir(), 'orchestrify-demo-'))
  const plan = await planIn(dir)
  const api = await session.connectTo(masterUrl(plan))
  const tell = (sentence: string): void => screen.complain(sentence)
  const supervisor = new Supervisor({ plan, api, clock, tell })
  try {
    screen.print('Starting a master, two workers and a proxy in a temporary folder.')
    await supervisor.start(session.signal)
    const seen = await perform(api, session)
    return conclude(seen, session)
  } catch (error) {
    if (!session.signal.aborted) throw error
    throw new CliError('Stopped before the end of the demo', { exitCode: EXIT_INTERRUPTED })
  } finally {
    await supervisor.stop(urgent)
    rmSync(dir, { recursive: true, force: true })
  }
}

async function planIn(dir: string): Promise<UpPlan> {
  const host = '127.0.0.1'
  const any = (): Promise<number> => claimPort(0, host, { role: 'demo', flag: '' })
  const [port, proxyPort, adminPort] = [await any(), await any(), await any()]
  // Quicker to give up a replica than one would be in earnest: a demo has a minute.
  const quick = ['--scale-in-after', '10s', '--scale-window', '2s']
  // Programs, load generator and whatever else runs here share one machine.
  const masterFlags = [...quick, '--busy-cpu', '100', '--busy-memory', '100', '--busy-disk', '100']
  // It shows the same whatever this machine has: the sample is a program beside it.
  const driver = 'process'
  return { dir, host, workers: 2, port, proxyPort, adminPort, masterFlags, driver }
}

async function perform(api: Api, session: Session): Promise<ClusterWatch> {
  const { screen, clock, signal } = session
  await deploy(api, { input: sampleInput() }, session)
  const show = (sentence: string): void => {
    if (!screen.isTerminal) screen.print(told(sentence, clock.nowMs()))
  }
  const watch = new ClusterWatch(api, SERVICE, show)
  const ended = new AbortController()
  const quit = (): void => ended.abort()
  signal.addEventListener('abort', quit, { once: true })
  const watched = watch.run(session, ended.signal)
  try {
    await Promise.race([watched, play(await serviceUrl(api), watch, session)])
  } finally {
    signal.removeEventListener('abort', quit)
    ended.abort()
    await watched
  }
  return watch
}

async function play(url: string, watch: ClusterWatch, session: Session): Promise<void> {
  const startedMs = session.clock.nowMs()
  for (const act of ACTS) {
    const phase = `${act.name}: ${act.perSecond} requests/s`
    const ending = new AbortController()
    const drawn = keepDrawing({ phase, startedMs, watch }, session, ending.signal)
    const running = startLoad({ url, perSecond: act.perSecond, connections: act.connections })
    try {
      await lasting(act, watch, session)
    } finally {
      ending.abort()
      await Promise.all([drawn, running.stop()])
    }
    if (session.signal.aborted) throw new CliError('Stopped')
  }
}

async function lasting(act: Act, watch: ClusterWatch, { clock, signal }: Session): Promise<void> {
  const startedMs = clock.nowMs()
  for (;;) {
    const tookMs = clock.nowMs() - startedMs
    const isOver = tookMs >= act.atLeastMs && act.isOver(watch)
    if (isOver || tookMs >= act.atMostMs || signal.aborted) return
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

interface Drawing {
  readonly phase: string
  readonly startedMs: number
  readonly watch: ClusterWatch
}

function keepDrawing(
  { phase, startedMs, watch }: Drawing,
  { screen, clock }: Session,
  signal: AbortSignal,
): Promise<void> {
  const draw = (): void => {
    const elapsedMs = clock.nowMs() - startedMs
    const moment: Moment = { phase, elapsedMs, picture: watch.picture, objectiveMs: OBJECTIVE_MS }
    if (screen.isTerminal) screen.draw(frame(moment, screen))
    else screen.print(line(moment))
  }
  return repeat(draw, screen.isTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS, clock, signal)
}

function sampleInput(): Readonly<Record<string, unknown>> {
  return {
    name: SERVICE,
    command: [process.execPath, examplePath('sample-service')],
    environment: { SLOTS: '4', DELAY_MS: '40' },
    objective: `p95 < ${OBJECTIVE_MS}ms`,
    min: 1,
    max: 6,
    health: { http: '/health', interval: '1s' },
  }
}

async function serviceUrl(api: Api): Promise<string> {
  const { urls, path } = serviceAnswer(await api.get(`/v1/services/${SERVICE}`))
  const [url] = urls
  if (url === undefined) throw new CliError(`Cannot reach ${path}: no proxy reports`)
  return url
}

function conclude({ scaledUp, scaledDown }: ClusterWatch, { screen }: Session): number {
  if (!scaledUp || !scaledDown) {
    const missing = scaledUp ? 'scale down' : 'scale up'
    throw new CliError(`Cannot show it all: the demo did not ${missing} in its time`, {
      next: 'Is the machine very busy? Try again; "orchestrify why" tells more in a real cluster.',
    })
  }
  for (const sentence of NEXT) screen.print(sentence)
  return 0
}

const NEXT: readonly string[] = [
  '',
  'It scaled up when p95 missed the objective, and down when fewer replicas sufficed.',
  'Next, a cluster that stays:',
  '  node master up --workers 2 --driver process --detach',
  '  node master run hello -- node "$PWD/dist/examples/sample-service.js"',
  '  curl http://127.0.0.1:8080/s/hello/',
  '  node master why hello',
  '  node master down',
]

function load(
  name: string,
  perSecond: number,
  connections: number,
): Omit<LoadShape, 'url'> & {
  readonly name: string
} {
  return { name, perSecond, connections }
}
