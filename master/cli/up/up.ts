import { resolve } from 'node:path'
import type { Arguments } from '../arguments.ts'
import type { Session } from '../command.ts'
import { usage } from '../failure.ts'
import { detach, tellParent } from './detach.ts'
import { DATA_DEFAULT, stopRecorded } from './down.ts'
import { nextStep } from './next-step.ts'
import { masterUrl, UP_DRIVERS, type UpDriver, type UpPlan } from './plan.ts'
import { claimPort, preferPort } from './ports.ts'
import { isAlive } from './processes.ts'
import { reportOf } from './report.ts'
import { readState } from './state.ts'
import { Supervisor } from './supervisor.ts'

const WORKERS_MAX = 64
const PORTS = { master: 18_080, proxy: 8_080, admin: 8_081 }

export async function runUp(args: Arguments, session: Session): Promise<number> {
  const dir = resolve(args.text('data') ?? DATA_DEFAULT)
  const checked = {
    host: args.text('host') ?? '127.0.0.1',
    workers: args.whole('workers', 0, WORKERS_MAX) ?? 1,
    driver: driverOf(args),
    dockerHost: args.text('docker-host'),
  }
  const ports = { port: args.port('port'), proxyPort: args.port('proxy-port') }
  if (await alreadyRuns(dir, session)) return 0
  if (args.flag('detach') === true) return detach({ dir, args }, session)
  try {
    return await supervise(await planOf(dir, checked, ports), session)
  } catch (error) {
    tellParent({ kind: 'failed', error })
    throw error
  }
}

function driverOf(args: Arguments): UpDriver {
  const asked = args.text('driver') ?? 'auto'
  const driver = UP_DRIVERS.find((known) => known === asked)
  if (driver !== undefined) return driver
  throw usage(`Cannot use "${asked}" for --driver: expected ${UP_DRIVERS.join(', ')}`)
}

async function planOf(
  dir: string,
  checked: Pick<UpPlan, 'host' | 'workers' | 'driver' | 'dockerHost'>,
  asked: { readonly port: number | undefined; readonly proxyPort: number | undefined },
): Promise<UpPlan> {
  const { host } = checked
  const port = await claimPort(asked.port ?? PORTS.master, host, { role: 'master', flag: '--port' })
  const proxy = { role: 'proxy', flag: '--proxy-port' }
  const proxyPort = await claimPort(asked.proxyPort ?? PORTS.proxy, host, proxy)
  // Who takes any port for the traffic has several of these on one machine.
  const wantedAdmin = asked.proxyPort === 0 ? 0 : PORTS.admin
  const adminPort = await preferPort(wantedAdmin, '127.0.0.1')
  return { dir, ...checked, port, proxyPort, adminPort, masterFlags: [] }
}

/** Runs until Ctrl-C, a signal or `down`. */
async function supervise(plan: UpPlan, session: Session): Promise<number> {
  const { screen, clock, signal, urgent } = session
  const api = await session.connectTo(masterUrl(plan))
  const tell = (sentence: string): void => screen.complain(sentence)
  const supervisor = new Supervisor({ plan, api, clock, tell })
  const startedMs = clock.nowMs()
  try {
    await supervisor.start(signal)
    screen.print(`Ready in ${((clock.nowMs() - startedMs) / 1000).toFixed(1)} s.`)
    for (const line of reportOf(supervisor.state, plan.dir, screen)) screen.print(line)
    screen.print(`Next: ${await nextStep(api)}`)
    screen.print('Stop: Ctrl-C, or orchestrify down')
    tellParent({ kind: 'ready' })
    await clock.sleep(2 ** 31 - 1, signal)
  } finally {
    const stopped = await supervisor.stop(urgent)
    if (stopped.programs.length > 0) screen.print(`Stopped ${stopped.programs.join(', ')}.`)
  }
  return 0
}

async function alreadyRuns(dir: string, session: Session): Promise<boolean> {
  const state = readState(dir)
  if (state === undefined) return false
  const { screen } = session
  if (isAlive(state.supervisor)) {
    screen.print(`It runs already${state.ready ? '' : ', or is just starting'}.`)
    for (const line of reportOf(state, dir, screen)) screen.print(line)
    return true
  }
  screen.complain('An earlier "up" was ended by force: stopping what it left behind.')
  await stopRecorded(dir, state, session)
  return false
}
