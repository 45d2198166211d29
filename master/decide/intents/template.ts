import type { ServiceSpec } from '../../../shared/model.ts'

/** Whether replicas of the one are as good as replicas of the other. */
export function sameTemplate(a: ServiceSpec, b: ServiceSpec): boolean {
  return sameText(templateOf(a), templateOf(b))
}

export function sameSpec(a: ServiceSpec, b: ServiceSpec): boolean {
  return sameText(a, b)
}

/** Bounds, objective and routes say how many and for whom, not what runs. */
function templateOf(spec: ServiceSpec): object {
  const { bounds: _, objective: __, autoscale: ___, routes: ____, ...template } = spec
  return template
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
