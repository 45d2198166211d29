/** Whether a new service fails to start: the log tells also what the lists show too briefly. */
import { eventsAnswer } from './answers.ts'
import type { Api } from './api.ts'

const BATCH_MAX = 1_000

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

  /** The reason of the first failed start since the last look. */
  async failureOf(service: string): Promise<string | undefined> {
    const path = `/v1/events?after=${this.#seen}&limit=${BATCH_MAX}`
    const { events } = eventsAnswer(await this.#api.get(path))
    let hasFailed = false
    for (const { revision, change } of events) {
      this.#seen = revision
      if (change.kind === 'replica-added' && change.replica.service === service) {
        this.#replicas.add(change.replica.id)
      }
      if (change.kind === 'replica-removed' && this.#replicas.has(change.replica)) {
        this.#reason = change.reason
      }
      const counted = change.kind === 'service-failures' && change.failures !== undefined
      hasFailed ||= counted && change.service === service
    }
    return hasFailed ? (this.#reason ?? 'a replica could not be started') : undefined
  }
}
