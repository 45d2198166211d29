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
import type { Log } from '../shared/log.ts'
import type { ProxyConfig } from './config.ts'
import type { Leavers } from './decide/leavers.ts'
import { mergedMeasurements } from './decide/merged-measurements.ts'
import { Reports } from './decide/reports.ts'
import { sendOnce } from './measurement-sender.ts'
import { Membership } from './membership.ts'
import { Reachability } from './reachability.ts'
import { Reporter, type ReporterParts, type Tell } from './reporter.ts'
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
  /** Other processes of this proxy, which report through this one. */
  readonly leavers: Leavers
  /** Another process of this proxy is known to the master: routes may be asked for at once. */
  readonly succeeds: boolean
  readonly clock?: Clock
}

/** What goes on between this proxy and its master. */
export interface MasterLink {
  isReachable(): boolean
  /** Rejects with the master's refusal; it never resolves. */
  readonly refused: Promise<never>
  /** Joins and reports; once told so, or told so again. */
  report(): void
  /** Another process reports from now on, also for this one. */
  handOver(tell: Tell): Promise<void>
  /** Something changed that the master, or who tells it, should hear at once. */
  ring(): void
  /** Nobody speaks for this process any more. */
  orphan(): void
  /** Tells the last measurements and says goodbye; rejects when no master heard it. */
  close(): Promise<void>
}

const LAST_REPORT_MS = 2_000

/** Keeps in step with the master, whether one is there or not. */
export async function followMaster(parts: MasterLinkParts): Promise<MasterLink> {
  const { config, log, traffic, file, leavers, clock = systemClock } = parts
  const credential = await identity(config)
  const client = openClient(config, credential)
  const bell = new Bell()
  traffic.onNews(() => bell.ring())
  const sending = senderParts(parts, { client, credential, bell })
  const reporter = new Reporter(sending)
  const stopping = new AbortController()
  const reachability = new Reachability(log, 'routes')
  const follow = { client, traffic, file, reachability, log, clock }
  const mayAsk = parts.succeeds ? Promise.resolve() : reporter.joined()
  const routes = mayAsk.then(() => followRoutes(follow, stopping.signal))
  return {
    isReachable: () => reporter.isJoined && sending.reachability.isReachable,
    refused: reporter.refused,
    report: () => reporter.report(),
    handOver: (tell) => reporter.handOver(tell),
    ring: () => bell.ring(),
    orphan: () => reporter.orphan(),
    close: async () => {
      stopping.abort()
      const speaks = await reporter.stop()
      try {
        // Without a goodbye the master goes on to believe what it was told of the others.
        if (speaks && leavers.isEmpty) await farewell(sending)
      } finally {
        client.close()
        await routes
      }
    },
  }
}

async function farewell(sending: ReporterParts): Promise<void> {
  await sendOnce(sending, deadline(LAST_REPORT_MS))
  await sending.membership.leave()
}

interface Ways {
  readonly client: ControlClient
  readonly credential: Credential
  readonly bell: Bell
}

function senderParts(parts: MasterLinkParts, { client, credential, bell }: Ways): ReporterParts {
  const { config, log, traffic, leavers, clock = systemClock } = parts
  const meter = {
    cut: (nowMs: number) => mergedMeasurements(traffic.meter.cut(nowMs), leavers.take()),
  }
  return {
    client,
    membership: createMembership(parts, client, credential),
    traffic,
    reports: new Reports(meter, config.measureSpanMaxMs, clock.nowMs()),
    leavers,
    reachability: new Reachability(log, 'measurements'),
    bell,
    everyMs: config.measureEveryMs,
    log,
    clock,
  }
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
