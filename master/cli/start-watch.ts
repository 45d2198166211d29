/** Whether a new service fails to start: the log tells also what the lists show too briefly. */
import type { NodeView } from '../../shared/api.ts'
import type { StartFailures } from '../../shared/model.ts'
import { eventsAnswer, nodesAnswer } from './answers.ts'
import type { Api } from './api.ts'

export interface StartFailure {
  readonly reason: string
  /** It is about to be tried on another node for the first time. */
  readonly isTriedElsewhere: boolean
}

const BATCH_MAX = 1_000
/** What failed on two nodes is hardly the nodes' fault. */
const FAILURES_MAX = 2

export class StartWatch {
  readonly #api: Api
  #seen: number
  readonly #replicas = new Set<string>()
  /** The last reason for which one of its replicas went. */
  #reason: string | undefined

  private constructor(api: Api, seen: number) {
    this.#api = api
    this.#seen = seen
  }

  /** From now on; to be called before the service is created. */
  static async begin(api: Api): Promise<StartWatch> {
    const { revision } = eventsAnswer(await api.get('/v1/events?limit=1'))
    return new StartWatch(api, revision)
  }

  /** The last failed start, where one was counted since the last look. */
  async failureOf(service: string): Promise<StartFailure | undefined> {
    const path = `/v1/events?after=${this.#seen}&limit=${BATCH_MAX}`
    const { events } = eventsAnswer(await this.#api.get(path))
    let failures: StartFailures | undefined
    for (const { revision, change } of events) {
      this.#seen = revision
      if (change.kind === 'replica-added' && change.replica.service === service) {
        this.#replicas.add(change.replica.id)
      }
      if (change.kind === 'replica-removed' && this.#replicas.has(change.replica)) {
        this.#reason = change.reason
      }
      const isCount = change.kind === 'service-failures' && change.service === service
      if (isCount) failures = change.failures
    }
    if (failures === undefined) return undefined
    const reason = this.#reason ?? 'a replica could not be started'
    const { nodes } = nodesAnswer(await this.#api.get('/v1/nodes'))
    return { reason, isTriedElsewhere: isTriedElsewhere(failures, nodes) }
  }
}

/** Once, on a node where it has not failed yet. */
export function isTriedElsewhere(
  { count, nodes: failed }: StartFailures,
  nodes: readonly Pick<NodeView, 'id' | 'pool' | 'condition'>[],
): boolean {
  const others = nodes.filter(({ id, pool, condition }) => {
    return pool === 'platform' && condition === 'ready' && !failed.includes(id)
  })
  return count < FAILURES_MAX && others.length > 0
}
