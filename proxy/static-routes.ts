import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { RequestError, sentenceOf } from '../shared/errors.ts'
import { parseDuration } from '../shared/knob.ts'
import type { Endpoint, Objective, RouteFragment } from '../shared/model.ts'
import { type RoutesAnswer, routeRuleSchema, WIRE_VERSION } from '../shared/protocol.ts'

const FILE_BYTES_MAX = 1_000_000
const OBJECTIVE_DEFAULT = 'p95 < 100ms'

const fileSchema = z.strictObject({
  services: z.array(
    z.strictObject({
      name: z.string().min(1).max(128),
      image: z.string().exactOptional(),
      endpoints: z.array(z.string()),
      routes: z.array(z.strictObject(routeRuleSchema.shape)).default([]),
      objective: z.string().default(OBJECTIVE_DEFAULT),
    }),
  ),
})

type StaticService = z.infer<typeof fileSchema>['services'][number]

/** Reads a fixed routing table; throws one sentence that names the file and what is wrong in it. */
export function readStaticRoutes(path: string): RoutesAnswer {
  try {
    const bytes = readFileSync(path)
    if (bytes.length > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`)
    return parseStaticRoutes(bytes.toString('utf8'))
  } catch (error) {
    throw new RequestError(400, 'USAGE', `Cannot use the routes in ${path}: ${shortly(error)}`)
  }
}

/** YAML or JSON: `services`, each with a name, endpoints `HOST:PORT`, routes, an objective. */
export function parseStaticRoutes(text: string): RoutesAnswer {
  const { services } = fileSchema.parse(parseYaml(text, { maxAliasCount: 100 }))
  const names = services.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`"${twice}" is there twice`)
  const revision = { epoch: 0, seq: 1 }
  const fragments = services.map(fragmentOf)
  return { wire: WIRE_VERSION, revision, snapshot: true, fragments, removed: [] }
}

function fragmentOf(service: StaticService): RoutesAnswer['fragments'][number] {
  const { name, image, routes, objective } = service
  const fragment: RouteFragment = {
    service: name,
    name,
    ...(image === undefined ? {} : { image }),
    objective: parseObjective(objective),
    routes,
    endpoints: service.endpoints.map((text) => endpointOf(name, text)),
  }
  return { ...fragment, routes, endpoints: [...fragment.endpoints] }
}

function endpointOf(name: string, text: string): Endpoint {
  const matched = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text)
  const host = matched?.[1] ?? matched?.[2]
  const port = Number(matched?.[3])
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`"${text}" is no endpoint, expected HOST:PORT`)
  }
  return { replica: `${name}@${text}`, node: host, host, port, suspect: false }
}

function parseObjective(text: string): Objective {
  const [, percentile, target] = /^p(\d{1,2}(?:\.\d+)?)\s*<\s*(\S+)$/.exec(text.trim()) ?? []
  const latencyTargetMs = target === undefined ? 0 : parseDuration(target)
  if (percentile === undefined || latencyTargetMs <= 0) {
    throw new Error(`"${text}" is no objective, expected one like "${OBJECTIVE_DEFAULT}"`)
  }
  return { percentile: Number(percentile), latencyTargetMs }
}

function shortly(error: unknown): string {
  if (!(error instanceof z.ZodError)) return sentenceOf(error).split('\n')[0] ?? ''
  const [issue] = error.issues
  return `${issue?.path.join('.') || 'the file'}: ${issue?.message}`
}
