import type { ServiceView } from '../../../shared/api.ts'
import { ageOf } from '../ages.ts'
import { serviceAnswer, servicesAnswer } from '../answers.ts'
import type { Command, Session } from '../command.ts'
import { list, listOptions, pathOf } from '../listing.ts'
import type { Tone } from '../screen.ts'
import { facts, table } from '../table.ts'

export const services: Command = {
  word: 'services',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'List the services and how they do against their objectives.',
  options: listOptions,
  run: (args, session) => {
    const show = (raw: unknown): readonly string[] =>
      serviceTable(servicesAnswer(raw).services, session)
    return list({ path: '/v1/services', show }, args, session)
  },
}

export const service: Command = {
  word: 'service',
  operands: 'SERVICE',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Show one service, by name or id.',
  options: listOptions,
  run: (args, session) => {
    const show = (raw: unknown): readonly string[] => serviceFacts(serviceAnswer(raw))
    return list({ path: pathOf('services', args.word(0)), show }, args, session)
  },
}

const NO_SERVICES = [
  'No services. Start one with "orchestrify run NAME --image IMAGE" or "run NAME -- COMMAND".',
]

export function serviceTable(
  rows: readonly ServiceView[],
  { screen, clock }: Pick<Session, 'screen' | 'clock'>,
): readonly string[] {
  if (rows.length === 0) return NO_SERVICES
  const images = rows.some(({ spec }) => spec.image !== undefined)
  const lines = table(
    [
      { title: 'NAME', of: (row) => row.name },
      ...(images ? [{ title: 'IMAGE', of: imageOf }] : []),
      { title: 'SERVING', right: true, of: (row) => `${row.serving}/${row.replicas}` },
      { title: 'BOUNDS', right: true, of: bounds },
      { title: 'OBJECTIVE', of: (row) => row.objective },
      { title: 'NOW', right: true, of: now, tone: objectiveTone },
      { title: 'REQ/S', right: true, of: (row) => rate(row.requestsPerSecond) },
      { title: 'ERR/S', right: true, of: (row) => rate(row.errorsPerSecond) },
      { title: 'AGE', right: true, of: (row) => ageOf(row.createdAt, clock.nowMs()) },
      { title: 'URL', of: (row) => row.urls[0] ?? row.path },
    ],
    rows,
    screen,
  )
  const advice = rows.flatMap((row) => row.advice ?? [])
  return [...lines, ...advice.map((sentence) => screen.paint('warn', sentence))]
}

export function serviceFacts(view: ServiceView): readonly string[] {
  const { spec } = view
  return facts([
    ['name', view.name],
    ['id', view.id],
    ['image', spec.image],
    ['command', spec.command.join(' ')],
    ['revision', String(view.revision)],
    ['objective', view.objective],
    ['now', measured(view)],
    ['replicas', `${view.replicas} (${counts(view)}), bounds ${bounds(view)}`],
    ['autoscaling', spec.autoscale ? 'on' : 'off'],
    ['routes', spec.routes.map((rule) => `${rule.host ?? ''}${rule.path ?? ''}`).join(', ')],
    ['environment', Object.keys(spec.environment).join(', ')],
    ...view.urls.map((url) => ['url', url] as const),
    ['advice', view.advice],
    ['created', view.createdAt],
  ])
}

function imageOf({ spec }: ServiceView): string {
  return spec.image ?? '-'
}

function measured(view: ServiceView): string {
  if (view.percentileMs === undefined) return 'too few requests to judge'
  return `${now(view)}, ${rate(view.requestsPerSecond)} requests/s, ${rate(view.errorsPerSecond)} errors/s`
}

function counts({ serving, starting, pending }: ServiceView): string {
  const parts = [`${serving} serving`]
  if (starting > 0) parts.push(`${starting} starting`)
  if (pending > 0) parts.push(`${pending} pending`)
  return parts.join(', ')
}

function bounds({ spec }: ServiceView): string {
  return `${spec.bounds.replicasMin}-${spec.bounds.replicasMax}`
}

function now({ percentileMs }: ServiceView): string {
  return percentileMs === undefined ? '-' : `${Math.round(percentileMs)}ms`
}

function objectiveTone({ percentileMs, spec }: ServiceView): Tone | undefined {
  if (percentileMs === undefined) return undefined
  return percentileMs > spec.objective.latencyTargetMs ? 'bad' : 'good'
}

function rate(value: number | undefined): string {
  if (value === undefined) return '-'
  return value < 10 ? value.toFixed(1) : String(Math.round(value))
}
