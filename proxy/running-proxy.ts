import type { Server } from 'node:http'
import { systemClock } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log, LogLevel } from '../shared/log.ts'
import { createAdmin } from './admin.ts'
import type { Certificates } from './certificates.ts'
import type { ProxyConfig } from './config.ts'
import type { Leavers } from './decide/leavers.ts'
import type { Engine } from './engine.ts'
import { learnAlone } from './learning-alone.ts'
import { type ListenOn, listen, stopListening } from './listening.ts'
import type { MasterLink } from './master-link.ts'
import type { Tell } from './reporter.ts'
import type { TableFile } from './table-file.ts'
import type { Traffic } from './traffic.ts'

/** Where each kind of caller comes in. */
export interface Places {
  readonly traffic: ListenOn
  readonly admin: ListenOn
  /** Undefined without TLS. */
  readonly secure: ListenOn | undefined
}

export interface ProxyParts {
  readonly config: ProxyConfig
  readonly log: Log
  readonly setLogLevel: (level: LogLevel) => void
  readonly traffic: Traffic
  readonly engine: Engine
  readonly file: TableFile
  readonly certificates: Certificates | undefined
  readonly places: Places
  /** Other processes of this proxy, which report through this one. */
  readonly leavers: Leavers
}

interface Ports {
  readonly port: number
  readonly adminPort: number
  readonly securePort: number | undefined
}

const LEAVERS_LOOK_MS = 20
/** Those that leave have the same grace, and a moment to tell of their end. */
const LEAVERS_MARGIN_MS = 1_000

/** Keeps in step with the master; a successor asks for routes before it is known itself. */
export async function followAs(
  parts: ProxyParts,
  who: 'first' | 'successor',
  ports: Pick<Ports, 'port' | 'adminPort'> = portsOf(parts.places),
): Promise<MasterLink | undefined> {
  const { config } = parts
  if (config.routes !== undefined) return undefined
  // A proxy alone needs nothing of what speaks with masters, which is a third of its memory.
  const { followMaster } = await import('./master-link.ts')
  return followMaster({ ...parts, ...ports, succeeds: who === 'successor' })
}

/** A proxy that serves, until it stops or another process takes its place. */
export class RunningProxy {
  readonly port: number
  readonly adminPort: number
  readonly securePort: number | undefined
  /** Rejects when no master will ever have this proxy; it never resolves. */
  readonly refused: Promise<never>
  readonly #parts: ProxyParts
  readonly #admin: Server
  readonly #link: MasterLink | undefined
  readonly #stopping: AbortController
  #orphaned = false
  #leaving = false

  private constructor(parts: ProxyParts, ports: Ports, open: Open) {
    this.#parts = parts
    this.port = ports.port
    this.adminPort = ports.adminPort
    this.securePort = ports.securePort
    this.#admin = open.admin
    this.#link = open.link
    this.#stopping = open.stopping
    this.refused = open.link?.refused ?? new Promise<never>(() => undefined)
  }

  /** Opens its places, and joins. */
  static async serve(parts: ProxyParts, early: MasterLink | undefined): Promise<RunningProxy> {
    const { config, traffic, engine, log, setLogLevel } = parts
    let link = early
    const masterAnswers = (): boolean | undefined => link?.isReachable()
    const admin = createAdmin({ traffic, masterAnswers, setLogLevel })
    try {
      const ports = await openPlaces(parts, admin)
      link ??= await followAs(parts, 'first', ports)
      link?.report()
      const { port, adminPort: at, securePort: secure } = ports
      const address = `${config.host}:${port}`
      log.info('proxy started', { address, admin: at, ...(secure === undefined ? {} : { secure }) })
      const stopping = new AbortController()
      const { signal } = stopping
      void parts.certificates?.follow(config.tlsLookMs, systemClock, signal)
      if (config.routes !== undefined) {
        void learnAlone(traffic, config.measureEveryMs, systemClock, signal)
      }
      return new RunningProxy(parts, ports, { admin, link, stopping })
    } catch (error) {
      await engine.close(0)
      admin.close()
      throw error
    }
  }

  /** Finishes what is in flight, says goodbye, and ends. */
  async close(): Promise<void> {
    const { engine, config, log } = this.#parts
    const sinceMs = systemClock.nowMs()
    log.info('proxy stopping')
    this.#stopping.abort()
    await engine.close(config.stopGraceMs)
    const spentMs = systemClock.nowMs() - sinceMs
    await this.#leaversEnd(config.stopGraceMs - spentMs + LEAVERS_MARGIN_MS)
    await this.#end()
    log.info('proxy stopped')
  }

  /** What is under way gets no more than the grace of a stop, also while this one is leaving. */
  async hurry(): Promise<void> {
    if (this.#leaving) await this.#parts.engine.close(this.#parts.config.stopGraceMs)
  }

  /** Another process reports from now on, also for this one; resolves once it was told. */
  async handOver(tell: Tell): Promise<void> {
    // Without a master nobody has to know what is in flight.
    if (this.#link === undefined) tell({ routes: { epoch: 0, seq: 0 }, inFlight: {} }, [])
    else await this.#link.handOver(tell)
  }

  /** The other process did not make it. */
  carryOn(): void {
    this.#link?.report()
  }

  /** Something changed that the master, or who tells it, should hear at once. */
  ring(): void {
    this.#link?.ring()
  }

  /** The other process serves: accepts nothing more, and lets every connection come to its end. */
  async leave(): Promise<void> {
    const { engine, config, log } = this.#parts
    this.#leaving = true
    log.info('proxy leaving')
    this.#stopping.abort()
    stopListening(this.#admin)
    await engine.handOver(config.handoverGraceMs)
    await this.#end()
    log.info('proxy left')
  }

  /** Whoever started this process is gone: nobody speaks for it, and its places may be needed. */
  orphan(): void {
    this.#orphaned = true
    this.#link?.orphan()
    if (!this.#leaving) stopListening(this.#admin)
  }

  /** Goodbye comes last: until then the master hears what is still in flight, and waits for it. */
  async #end(): Promise<void> {
    const { file, log } = this.#parts
    await this.#link?.close().catch((error) => {
      log.warn('no master heard the goodbye', { reason: sentenceOf(error) })
    })
    await file.settled()
    this.#admin.closeAllConnections()
    await new Promise<void>((resolve) => this.#admin.close(() => resolve()))
  }

  async #leaversEnd(maxMs: number): Promise<void> {
    const untilMs = systemClock.nowMs() + maxMs
    while (!this.#parts.leavers.isEmpty && systemClock.nowMs() < untilMs) {
      // Nobody tells any more how it is with them.
      if (this.#orphaned) return
      await systemClock.sleep(LEAVERS_LOOK_MS)
    }
  }
}

interface Open {
  readonly admin: Server
  readonly link: MasterLink | undefined
  readonly stopping: AbortController
}

async function openPlaces(parts: ProxyParts, admin: Server): Promise<Ports> {
  const { places, engine, certificates } = parts
  const { secure } = places
  const port = await engine.listen(places.traffic)
  const encrypted = secure !== undefined && certificates !== undefined
  const securePort = encrypted ? await engine.listenSecure(secure, certificates) : undefined
  return { port, securePort, adminPort: await listen(admin, places.admin) }
}

function portsOf({ traffic, admin }: Places): Pick<Ports, 'port' | 'adminPort'> {
  return { port: traffic.port, adminPort: admin.port }
}
