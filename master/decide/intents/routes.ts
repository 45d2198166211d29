import { conflict } from '../../../shared/errors.ts'
import type { RouteRule, ServiceId, ServiceSpec } from '../../../shared/model.ts'
import type { DesiredView } from '../desired.ts'

/** A host and path lead to one service. */
export function expectFreeRoutes(desired: DesiredView, spec: ServiceSpec, own?: ServiceId): void {
  if (spec.routes.length === 0) return
  const wanted = new Map(spec.routes.map((rule) => [keyOf(rule), rule]))
  for (const other of desired.services.values()) {
    if (other.id === own) continue
    for (const rule of other.spec.routes) {
      if (wanted.has(keyOf(rule))) throw taken(spec.name, rule, other.spec.name)
    }
  }
}

/** What two rules that match the same requests have in common. */
export function keyOf({ host = '', path = '/' }: RouteRule): string {
  return `${host.toLowerCase()} ${path}`
}

function taken(name: string, { host = '*', path = '/' }: RouteRule, other: string): Error {
  return conflict(`Cannot route ${host}${path} to "${name}": it leads to "${other}"`)
}
