import type { ServiceSpec } from '../../../shared/model.ts'

/** Whether replicas of the one are as good as replicas of the other. */
export function sameTemplate(a: ServiceSpec, b: ServiceSpec): boolean {
  return textOf(a) === textOf(b)
}

/** Bounds, objective and routes say how many and for whom, not what runs. */
function textOf(spec: ServiceSpec): string {
  const { bounds: _, objective: __, autoscale: ___, routes: ____, ...template } = spec
  return JSON.stringify(sorted(template))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}
