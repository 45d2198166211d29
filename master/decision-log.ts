import type { Decision } from '../shared/decision.ts'
import type { ServiceId } from '../shared/model.ts'
import type { DecisionSource, DecisionStretch } from './surface.ts'

const STRETCHES_MAX = 100

/** Keeps what the autoscaler concluded; the same conclusion again only lengthens its stretch. */
export class DecisionLog implements DecisionSource {
  readonly #stretches = new Map<ServiceId, DecisionStretch[]>()

  add(decision: Decision): void {
    const stretches = this.#stretches.get(decision.service) ?? []
    const latest = stretches[0]
    if (latest !== undefined && isSame(latest.decision, decision)) {
      const evaluations = latest.evaluations + 1
      stretches[0] = { ...latest, decision, untilMs: decision.atMs, evaluations }
    } else {
      stretches.unshift({
        decision,
        sinceMs: decision.atMs,
        untilMs: decision.atMs,
        evaluations: 1,
      })
    }
    this.#stretches.set(decision.service, stretches.slice(0, STRETCHES_MAX))
  }

  latest(service: ServiceId): Decision | undefined {
    return this.#stretches.get(service)?.[0]?.decision
  }

  history(service: ServiceId): readonly DecisionStretch[] {
    return this.#stretches.get(service) ?? []
  }

  keepOnly(services: ReadonlyMap<ServiceId, unknown>): void {
    for (const id of this.#stretches.keys()) if (!services.has(id)) this.#stretches.delete(id)
  }
}

function isSame(a: Decision, b: Decision): boolean {
  return a.rule === b.rule && a.replicas === b.replicas && a.inputs.replicas === b.inputs.replicas
}
