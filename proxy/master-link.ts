import { randomUUID } from 'node:crypto'
import { Bell } from '../shared/bell.ts'
import { type Clock, deadline, systemClock } from '../shared/clock.ts'
import {
  type ControlClient,
  checkMasterUrl,
  createControlClient,
} from '../shared/control-client.ts'
import {
  type Credential,
  isOfSameCluster,
  loadCredential,
  saveCredential,
} from '../shared/credential.ts'
import { RequestError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ProxyConfig } from './config.ts'
import { Reports } from './decide/reports.ts'
import { type MeasurementSenderParts, sendMeasurements, sendOnce } from './measurement-sender.ts'
import { Membership } from './membership.ts'
import { Reachability } from './reachability.ts'
import { followRoutes } from './route-follower.ts'
import type { TableFile } from './table-file.ts'
import type { Traffic } from './traffic.ts'

export interface MasterLinkParts {
  readonly config: ProxyConfig
  readonly log: Log
  readonly traffic: Traffic
  readonly file: TableFile
  readonly port: number
  readonly adminPort: number
  readonly clock?: Clock
}

/** What goes on between this proxy and its master. */
export interface MasterLink {
  isReachable(): boolean
  /** Rejects with the master's refusal; it never resolves. */
  readonly refused: Promise<never>
  /** Tells the last measurements and says goodbye; rejects when no master heard it. */
  close(): Promise<void>
}

/** Refusals that asking again will not change. */
const FINAL = new Set([400, 401, 403, 409, 410, 422, 426])
const LAST_REPORT_MS = 2_000

/** Joins in the background and keeps in step from then on, whether a master is there or not. */
export async function followMaster(parts: MasterLinkParts): Promise<MasterLink> {
  const { config, log, traffic, clock = systemClock } = parts
  const credential = await identity(config)
  const client = openClient(config, credential)
  const reachability = new Reachability(log, 'measurements')
  const bell = new Bell()
  traffic.onNews(() => bell.ring())
  const membership = createMembership(parts, client, credential)
  const sending: MeasurementSenderParts = {
    client,
    membership,
    traffic,
    reports: new Reports(traffic.meter, config.measureSpanMaxMs, clock.nowMs()),
    reachability,
    bell,
    everyMs: config.measureEveryMs,
    log,
    clock,
  }
  const stopping = new AbortController()
  let joined = false
  const loops = keepInStep(parts, sending, stopping.signal, () => {
    joined = true
  })
  return {
    isReachable: () => joined && reachability.isReachable,
    refused: new Promise((_, reject) => {
      loops.catch(reject)
    }),
    close: async () => {
      stopping.abort()
      await loops.catch(() => undefined)
      try {
        if (joined) await farewell(sending, membership)
      } finally {
        client.close()
      }
    },
  }
}

async function keepInStep(
  parts: MasterLinkParts,
  sending: MeasurementSenderParts,
  signal: AbortSignal,
  onJoined: () => void,
): Promise<void> {
  const { log, traffic, file, clock = systemClock } = parts
  const { client } = sending
  await joinFirst(parts, sending, signal)
  if (signal.aborted) return
  onJoined()
  const reachability = new Reachability(log, 'routes')
  await Promise.all([
    followRoutes({ client, traffic, file, reachability, log, clock }, signal),
    sendMeasurements(sending, signal),
  ])
}

/** Tries until a master takes this proxy in; a final refusal ends a proxy that has no table. */
async function joinFirst(
  { log, traffic, clock = systemClock }: MasterLinkParts,
  { membership }: MeasurementSenderParts,
  signal: AbortSignal,
): Promise<void> {
  const reachability = new Reachability(log, 'joining')
  while (!signal.aborted) {
    try {
      await membership.join(signal)
      reachability.succeeded()
      log.info('proxy joined', { proxy: membership.id })
      return
    } catch (error) {
      if (signal.aborted) return
      const final = error instanceof RequestError && FINAL.has(error.status)
      if (final && traffic.table.revision === undefined) throw error
      await clock.sleep(reachability.failed(error), signal)
    }
  }
}

async function farewell(sending: MeasurementSenderParts, membership: Membership): Promise<void> {
  await sendOnce(sending, deadline(LAST_REPORT_MS))
  await membership.leave()
}

function createMembership(
  { config, port, adminPort, clock = systemClock }: MasterLinkParts,
  client: ControlClient,
  credential: Credential,
): Membership {
  const rules = { insecure: config.insecure, token: config.token, trusted: true }
  return new Membership({
    client,
    credential,
    tls: config.masters.some((url) => checkMasterUrl(url, rules).startsWith('https:')),
    directory: config.data,
    boot: randomUUID(),
    ...(config.advertise === undefined ? {} : { address: config.advertise }),
    port,
    adminPort,
    clock,
  })
}

/** Who this proxy is: the same after a restart, whatever else has changed. */
async function identity(config: ProxyConfig): Promise<Credential> {
  const stored = await loadCredential(config.data)
  const { token } = config
  if (stored !== undefined && (token === undefined || isOfSameCluster(stored, token))) return stored
  const master = config.masters[0] ?? ''
  const fresh: Credential = { id: stored?.id ?? randomUUID(), secret: '', master }
  await saveCredential(config.data, fresh)
  return fresh
}

function openClient(config: ProxyConfig, credential: Credential): ControlClient {
  const { masters, token, insecure } = config
  return createControlClient({ masters, credential, token, insecure })
}
