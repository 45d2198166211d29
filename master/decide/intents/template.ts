import type { ServiceSpec } from '../../../shared/model.ts'

/** Whether replicas of the one are as good as replicas of the other. */
export function sameTemplate(a: ServiceSpec, b: ServiceSpec): boolean {
  return sameText(templateOf(a), templateOf(b))
}

export function sameSpec(a: ServiceSpec, b: ServiceSpec): boolean {
  return sameText(a, b)
}

/** What says how many, for whom and how requests are given out, not what runs. */
const NOT_OF_THE_TEMPLATE: ReadonlySet<string> = new Set<keyof ServiceSpec>([
  'bounds',
  'objective',
  'autoscale',
  'routes',
  'balance',
  'concurrency',
])

function templateOf(spec: ServiceSpec): object {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !NOT_OF_THE_TEMPLATE.has(key)))
}

function sameText(a: object, b: object): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}
