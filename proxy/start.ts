import { systemClock } from '../shared/clock.ts'
import { RequestError } from '../shared/errors.ts'
import type { Log, LogLevel } from '../shared/log.ts'
import { Certificates } from './certificates.ts'
import { type ProxyConfig, trafficLimits } from './config.ts'
import { Leavers } from './decide/leavers.ts'
import type { ListenOn } from './listening.ts'
import { openEngine } from './open-engine.ts'
import { followAs, type Places, type ProxyParts, RunningProxy } from './running-proxy.ts'
import { readStaticRoutes } from './static-routes.ts'
import { TableFile } from './table-file.ts'
import { Traffic } from './traffic.ts'

export type { Places, RunningProxy } from './running-proxy.ts'

export interface StartOptions {
  readonly config: ProxyConfig
  readonly log: Log
  readonly setLogLevel: (level: LogLevel) => void
  /** Sockets that are bound already; without them the addresses of the configuration. */
  readonly places?: Places
  /** Other processes of this proxy, which report through this one. */
  readonly leavers?: Leavers
  /** Another process of this proxy carries the traffic until this one is ready. */
  readonly succeeds?: boolean
}

/** A proxy that has everything it needs to serve, and does not yet. */
export interface PreparedProxy {
  serve(): Promise<RunningProxy>
}

/** For so long a master may take to say that the routing table from the disk still holds. */
const TABLE_MAX_MS = 5_000
const TABLE_LOOK_MS = 20

/** Starts the proxy: traffic, admin, and what keeps it in step with the master. */
export async function start(options: StartOptions): Promise<RunningProxy> {
  return (await prepare(options)).serve()
}

export async function prepare(options: StartOptions): Promise<PreparedProxy> {
  const { config, log, setLogLevel, succeeds = false } = options
  const traffic = new Traffic(trafficLimits(config), systemClock.nowMs)
  const file = new TableFile(config.data, log)
  const parts: ProxyParts = {
    config,
    log,
    setLogLevel,
    traffic,
    file,
    engine: await openEngine(config, traffic, log),
    certificates: await openCertificates(config, log),
    places: options.places ?? placesOf(config),
    leavers: options.leavers ?? new Leavers(),
  }
  if (config.routes !== undefined) traffic.apply(readStaticRoutes(config.routes), undefined)
  else await restore(traffic, file, log)
  const link = succeeds ? await followAs(parts, 'successor') : undefined
  if (succeeds) await tableInForce(traffic)
  return { serve: () => RunningProxy.serve(parts, link) }
}

function placesOf(config: ProxyConfig): Places {
  const { host, port, adminHost, adminPort, tlsPort } = config
  const secure: ListenOn | undefined = tlsPort === undefined ? undefined : { host, port: tlsPort }
  return { traffic: { host, port }, admin: { host: adminHost, port: adminPort }, secure }
}

async function openCertificates(config: ProxyConfig, log: Log): Promise<Certificates | undefined> {
  const { tlsPort, tlsCerts, tlsKeys, tlsDir } = config
  if (tlsPort === undefined) return undefined
  const sources = { certs: tlsCerts, keys: tlsKeys, directory: tlsDir }
  return Certificates.load(sources, log, systemClock.nowMs())
}

async function restore(traffic: Traffic, file: TableFile, log: Log): Promise<void> {
  const saved = await file.load()
  if (saved === undefined) return
  traffic.restore(saved)
  log.info('routing table restored', { ...saved.revision, services: saved.fragments.length })
}

/** The one before has a table in force: whoever takes its place must not know less. */
async function tableInForce({ table }: Traffic): Promise<void> {
  const untilMs = systemClock.nowMs() + TABLE_MAX_MS
  while (table.revision === undefined || table.stale) {
    if (systemClock.nowMs() >= untilMs) break
    await systemClock.sleep(TABLE_LOOK_MS)
  }
  if (table.revision !== undefined) return
  throw new RequestError(503, 'NO_ROUTES', 'Cannot take over: no routing table has arrived')
}
