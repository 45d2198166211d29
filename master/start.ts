/** Opens what a master needs, runs it until it is told to end, and closes it in order. */
import { type Clock, systemClock } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { openLog } from '../shared/log-knobs.ts'
import type { ProgramLog } from '../shared/winston-log.ts'
import { createApi } from './api/app.ts'
import { Gate } from './api/gate.ts'
import { apiRoutes } from './api/routes/routes.ts'
import { assemble, type Parts } from './assemble.ts'
import { type MasterConfig, readMasterConfig } from './config.ts'
import { createCallerOf } from './identity/caller.ts'
import { openIdentity } from './identity/identity.ts'
import { keepServerTlsFresh } from './identity/server-tls.ts'
import { Ledger } from './ledger.ts'
import { watchLoopLag } from './loop-lag.ts'
import { surfaceOf } from './running-surface.ts'
import { type ControlServer, createControlServer } from './server/control-server.ts'
import { openEmbeddedStore } from './store/embedded/embedded.ts'
import { createMemoryStore } from './store/memory.ts'
import type { Store } from './store/store.ts'
import { createUpgrade } from './streams/upgrade.ts'
import type { MasterSurface } from './surface.ts'
import { logChange } from './transition-log.ts'

const CLOSE_GRACE_MS = 2_000

/** Nothing that the master decides or records is finer than a millisecond. */
const WHOLE_MS: Clock = { ...systemClock, nowMs: () => Math.floor(systemClock.nowMs()) }

/** The program `node master`: ends with one sentence when it cannot start or go on. */
export async function serve(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  try {
    const config = readMasterConfig({ argv, environment })
    const logged = openLog('master', config)
    const master = await startMaster(config, WHOLE_MS, logged)
    const failure = await Promise.race([master.failed, terminated()])
    await master.stop()
    await logged.close()
    if (failure !== undefined) throw failure
  } catch (error) {
    process.stderr.write(`${sentenceOf(error)}\n`)
    process.exitCode = 1
  }
}

export interface RunningMaster {
  readonly port: number
  /** Resolves when it can no longer do its work: another master leads, or the store is gone. */
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

export async function startMaster(
  config: MasterConfig,
  clock: Clock,
  logged: ProgramLog,
): Promise<RunningMaster> {
  const { log } = logged
  const identity = await openIdentity(config.data, clock)
  const store = await openStore(config, log)
  const { snapshotEvery, keepEntries } = config
  const stopping = new AbortController()
  try {
    const ledger = await Ledger.open(store, { log, snapshotEvery, keepEntries })
    const parts = assemble({ config, clock, log, identity, ledger })
    const server = await listen(surfaceOf(parts, store, logged), parts, stopping.signal)
    return running(parts, server, store, stopping)
  } catch (error) {
    await store.close()
    throw error
  }
}

function running(
  { ledger, log, loop, config }: Parts,
  server: ControlServer,
  store: Store,
  stopping: AbortController,
): RunningMaster {
  ledger.onCommit((entries) => {
    for (const { change } of entries) logChange(log, change)
  })
  const ended = loop.run(stopping.signal)
  const broken = ended.then(
    () => new Promise<Error>(() => undefined),
    (error: Error) => error,
  )
  const { epoch, desired } = ledger
  const { port } = server
  log.info('master started', { hosts: config.hosts, port, epoch, revision: desired.revision })
  return {
    port,
    failed: Promise.race([broken, store.failed]),
    stop: async () => {
      stopping.abort()
      await server.close(CLOSE_GRACE_MS)
      await ended.catch(() => undefined)
      await store.close()
      log.info('master stopped')
    },
  }
}

async function listen(
  surface: MasterSurface,
  parts: Parts,
  ending: AbortSignal,
): Promise<ControlServer> {
  const { config, clock, log, identity, ledger } = parts
  const identify = createCallerOf({
    tokens: identity.tokens,
    insecure: config.insecure,
    isRevoked: (role, subject) => role === 'node' && ledger.desired.wasRemoved(subject),
    nowMs: () => clock.nowMs(),
  })
  const gate = new Gate({ ...config, lagMs: watchLoopLag() })
  const served = { identify, gate, log, ending }
  const listener = createApi(surface, { ...apiOptionsOf(config), ...served, clock })
  const upgrade = createUpgrade(apiRoutes(surface, config), served)
  const tls = await identity.issueServerTls()
  const { hosts, port, insecure } = config
  const report = (error: Error): void =>
    log.warn('a connection failed', { reason: sentenceOf(error) })
  const server = await createControlServer({
    listener,
    upgrade,
    hosts,
    port,
    tls,
    insecure,
    report,
  })
  const apply = (next: typeof tls): void => server.updateTls(next)
  const issue = () => identity.issueServerTls()
  void keepServerTlsFresh({ current: tls, issue, apply, report, clock }, ending)
  return server
}

function apiOptionsOf(config: MasterConfig) {
  return { services: config, longPollMs: config.longPollMs }
}

async function openStore(config: MasterConfig, log: Log): Promise<Store> {
  if (config.redisUrl !== undefined) log.warn('REDIS_URL is set, but events are not published yet')
  if (config.store === 'memory') return createMemoryStore()
  const store = await openEmbeddedStore(config.data)
  if (store.recovery !== undefined) log.warn('store recovered', { ...store.recovery })
  return store
}

function terminated(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => resolve(undefined))
    }
  })
}
