import type { Server } from 'node:http'
import { systemClock } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log, LogLevel } from '../shared/log.ts'
import { createAdmin } from './admin.ts'
import { type ProxyConfig, trafficLimits } from './config.ts'
import type { Engine } from './engine.ts'
import { learnAlone } from './learning-alone.ts'
import { listen } from './listening.ts'
import { followMaster, type MasterLink } from './master-link.ts'
import { openEngine } from './open-engine.ts'
import { readStaticRoutes } from './static-routes.ts'
import { TableFile } from './table-file.ts'
import { Traffic } from './traffic.ts'

export interface StartOptions {
  readonly config: ProxyConfig
  readonly log: Log
  readonly setLogLevel: (level: LogLevel) => void
}

export interface RunningProxy {
  readonly port: number
  readonly adminPort: number
  /** Rejects when no master will ever have this proxy; it never resolves. */
  readonly refused: Promise<never>
  /** Finishes what is in flight, says goodbye, and ends. */
  close(): Promise<void>
}

/** Starts the proxy: traffic, admin, and what keeps it in step with the master. */
export async function start(options: StartOptions): Promise<RunningProxy> {
  const { config, log } = options
  const traffic = new Traffic(trafficLimits(config), systemClock.nowMs)
  const engine = await openEngine(config, traffic, log)
  const file = new TableFile(config.data, log)
  const stopped = new AbortController()
  if (config.routes === undefined) await restore(traffic, file, log)
  else {
    traffic.apply(readStaticRoutes(config.routes), undefined)
    void learnAlone(traffic, config.measureEveryMs, systemClock, stopped.signal)
  }
  let link: MasterLink | undefined
  const admin = createAdmin({
    traffic,
    masterAnswers: () => link?.isReachable(),
    setLogLevel: options.setLogLevel,
  })
  try {
    const port = await engine.listen()
    const adminPort = await listen(admin, config.adminHost, config.adminPort)
    if (config.routes === undefined) {
      link = await followMaster({ config, log, traffic, file, port, adminPort })
    }
    log.info('proxy started', { address: `${config.host}:${port}`, admin: adminPort })
    const refused = link?.refused ?? new Promise<never>(() => undefined)
    const close = (): Promise<void> => {
      stopped.abort()
      return stop({ engine, admin, link, file, config, log })
    }
    return { port, adminPort, refused, close }
  } catch (error) {
    await engine.close(0)
    admin.close()
    throw error
  }
}

async function restore(traffic: Traffic, file: TableFile, log: Log): Promise<void> {
  const saved = await file.load()
  if (saved === undefined) return
  traffic.restore(saved)
  log.info('routing table restored', { ...saved.revision, services: saved.fragments.length })
}

interface Stopping {
  readonly engine: Engine
  readonly admin: Server
  readonly link: MasterLink | undefined
  readonly file: TableFile
  readonly config: ProxyConfig
  readonly log: Log
}

/** Goodbye comes last: until then the master hears what is still in flight, and waits for it. */
async function stop(stopping: Stopping): Promise<void> {
  const { engine, admin, link, file, config, log } = stopping
  log.info('proxy stopping')
  await engine.close(config.stopGraceMs)
  await link?.close().catch((error) => {
    log.warn('no master heard the goodbye', { reason: sentenceOf(error) })
  })
  await file.settled()
  admin.closeAllConnections()
  await new Promise<void>((resolve) => admin.close(() => resolve()))
  log.info('proxy stopped')
}
