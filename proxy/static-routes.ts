import { RequestError, sentenceOf } from '../shared/errors.ts'
import { parseDuration } from '../shared/knob.ts'
import type { Endpoint, Objective, RouteFragment } from '../shared/model.ts'
import { type RoutesAnswer, WIRE_VERSION } from '../shared/protocol.ts'
import { readYamlFile } from '../shared/yaml-file.ts'
import { parseOr, type StaticService, staticRoutesSchema } from './schemas.ts'

/** Reads a fixed routing table; throws one sentence that names the file and what is wrong in it. */
export function readStaticRoutes(path: string): RoutesAnswer {
  try {
    return staticTable(readYamlFile(path))
  } catch (error) {
    const message = `Cannot use the routes in ${path}: ${sentenceOf(error)}`
    throw new RequestError(400, 'USAGE', message)
  }
}

/** `services`, each with a name, endpoints, routes, an objective, and how they are balanced. */
export function staticTable(tree: unknown): RoutesAnswer {
  const { services } = parseOr(staticRoutesSchema, tree)
  const names = services.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`"${twice}" is there twice`)
  const revision = { epoch: 0, seq: 1 }
  const fragments = services.map(fragmentOf)
  return { wire: WIRE_VERSION, revision, snapshot: true, fragments, removed: [] }
}

function fragmentOf(service: StaticService): RoutesAnswer['fragments'][number] {
  const { name, image, routes, objective, balance, sticky, concurrency } = service
  const fragment: RouteFragment = {
    service: name,
    name,
    ...(image === undefined ? {} : { image }),
    objective: parseObjective(objective),
    routes,
    endpoints: service.endpoints.map((given) => endpointOf(name, given)),
    balance: { policy: balance, sticky },
    ...(concurrency === undefined ? {} : { concurrency }),
  }
  return { ...fragment, routes, endpoints: [...fragment.endpoints] }
}

/** `HOST:PORT`, or that as its address beside a weight. */
function endpointOf(name: string, given: StaticService['endpoints'][number]): Endpoint {
  const { address: text, weight } =
    typeof given === 'string' ? { address: given, weight: undefined } : given
  const matched = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text)
  const host = matched?.[1] ?? matched?.[2]
  const port = Number(matched?.[3])
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`"${text}" is no endpoint, expected HOST:PORT`)
  }
  const endpoint = { replica: `${name}@${text}`, node: host, host, port, suspect: false }
  return weight === undefined ? endpoint : { ...endpoint, weight }
}

function parseObjective(text: string): Objective {
  const [, percentile, target] = /^p(\d{1,2}(?:\.\d+)?)\s*<\s*(\S+)$/.exec(text.trim()) ?? []
  const latencyTargetMs = target === undefined ? 0 : parseDuration(target)
  if (percentile === undefined || latencyTargetMs <= 0) {
    throw new Error(`"${text}" is no objective, expected one like "p95 < 100ms"`)
  }
  return { percentile: Number(percentile), latencyTargetMs }
}
