/** The engines and transports that the wire suites hold to the promise, started in this process. */
import { engineLimits, readProxyConfig, trafficLimits } from '../../../proxy/config.ts'
import type { EngineLimits } from '../../../proxy/engine.ts'
import { createHttp1Engine } from '../../../proxy/http1/http1-engine.ts'
import type { TransportName, Transports } from '../../../proxy/http1/transport.ts'
import { chooseTransports } from '../../../proxy/http1/transports/choose.ts'
import { Traffic } from '../../../proxy/traffic.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { RouteFragment } from '../../../shared/model.ts'
import { publish as publishTable } from '../../support/published.ts'

export interface Subject {
  readonly engine: 'http1'
  readonly transport: TransportName
}

const TRANSPORTS = ['handle', 'onread', 'data'] as const
const ALL: readonly Subject[] = TRANSPORTS.map((transport) => ({ engine: 'http1', transport }))

/** `WIRE_SUBJECTS=http1-handle` takes some of them alone, by their names. */
export const subjects: readonly Subject[] = chosen(process.env.WIRE_SUBJECTS)

/** For tables of tests: the name first. */
export const subjectRows = subjects.map((subject) => [nameOf(subject), subject] as const)

export function nameOf({ engine, transport }: Subject): string {
  return `${engine}-${transport}`
}

export interface Running {
  readonly port: number
  readonly traffic: Traffic
  /** Requests that a replica still has, as the master would hear of them. */
  inFlight(): number
  publish(fragments: readonly RouteFragment[]): void
  close(): Promise<void>
}

export interface Setting {
  readonly fragments: readonly RouteFragment[]
  readonly limits?: Partial<EngineLimits>
  readonly nowMs?: () => number
  /** As they would be given to the program. */
  readonly flags?: readonly string[]
  /** Leaves the routing table as it is before any master was heard. */
  readonly unpublished?: boolean
}

export async function startSubject({ transport }: Subject, setting: Setting): Promise<Running> {
  const config = readProxyConfig({ argv: setting.flags ?? [], environment: {} })
  const traffic = new Traffic(trafficLimits(config), setting.nowMs ?? systemClock.nowMs)
  const publish = (fragments: readonly RouteFragment[]): void => publishTable(traffic, fragments)
  if (setting.unpublished !== true) publish(setting.fragments)
  const limits = { ...engineLimits(config), ...setting.limits }
  const transports = await transportsOf(transport)
  const engine = createHttp1Engine({ limits, traffic, transports })
  const port = await engine.listen({ host: '127.0.0.1', port: 0 })
  return {
    port,
    traffic,
    inFlight: () => traffic.inFlight.size,
    publish,
    close: () => engine.close(0),
  }
}

/** Tested once: many self-tests at the same moment would be late for each other. */
const tested = new Map<TransportName, Promise<Transports>>()

export function transportsOf(name: TransportName): Promise<Transports> {
  const known = tested.get(name)
  if (known !== undefined) return known
  const chosen = chooseTransports(name).then(({ transports }) => transports)
  tested.set(name, chosen)
  return chosen
}

function chosen(names: string | undefined): readonly Subject[] {
  if (names === undefined || names === '') return ALL
  const wanted = names.split(',')
  const unknown = wanted.filter((name) => !ALL.some((subject) => nameOf(subject) === name))
  if (unknown.length > 0) throw new Error(`Cannot test "${unknown.join(', ')}": no such subject`)
  return ALL.filter((subject) => wanted.includes(nameOf(subject)))
}
