/** What the demo sees of its cluster: samples by polling, decisions as they happen. */
import type { ReplicaView } from '../../../shared/api.ts'
import { repeat } from '../../../shared/clock.ts'
import { nodesAnswer, replicasAnswer, serviceAnswer } from '../answers.ts'
import type { Api } from '../api.ts'
import type { Session } from '../command.ts'
import { EventText } from '../event-text.ts'

const LOOK_EVERY_MS = 500
const SAMPLES_KEPT = 60
const LINES_KEPT = 12

export interface Sample {
  readonly percentileMs: number | undefined
  readonly perSecond: number | undefined
}

export interface Picture {
  readonly samples: readonly Sample[]
  readonly replicas: readonly ReplicaView[]
  readonly nodes: readonly string[]
  readonly lines: readonly string[]
}

export class ClusterWatch {
  readonly #api: Api
  readonly #service: string
  readonly #text = new EventText()
  readonly #onLine: (line: string) => void
  #samples: readonly Sample[] = []
  #lines: readonly string[] = []
  #replicas: readonly ReplicaView[] = []
  #nodes: readonly string[] = []
  scaledUp = false
  scaledDown = false
  /** How many replicas the master wants since its last step. */
  wanted = 1

  constructor(api: Api, service: string, onLine: (line: string) => void) {
    this.#api = api
    this.#service = service
    this.#onLine = onLine
  }

  get picture(): Picture {
    return {
      samples: this.#samples,
      replicas: this.#replicas,
      nodes: this.#nodes,
      lines: this.#lines,
    }
  }

  /** Until the signal aborts; rejects when the cluster cannot be watched any more. */
  async run({ clock }: Pick<Session, 'clock'>, signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const quit = (): void => stop.abort()
    signal.addEventListener('abort', quit, { once: true })
    if (signal.aborted) quit()
    const polled = repeat(() => this.#look(), LOOK_EVERY_MS, clock, stop.signal)
    try {
      await Promise.race([polled, this.#follow(stop.signal)])
    } finally {
      signal.removeEventListener('abort', quit)
      stop.abort()
    }
  }

  async #look(): Promise<void> {
    const [service, replicas, nodes] = await Promise.all([
      this.#api.get(`/v1/services/${this.#service}`),
      this.#api.get(`/v1/replicas?service=${this.#service}`),
      this.#api.get('/v1/nodes'),
    ])
    const { percentileMs, requestsPerSecond: perSecond } = serviceAnswer(service)
    this.#samples = [...this.#samples, { percentileMs, perSecond }].slice(-SAMPLES_KEPT)
    this.#replicas = replicasAnswer(replicas).replicas
    const seen = nodesAnswer(nodes)
    this.#nodes = seen.nodes.map(({ name }) => name).sort()
    this.#text.know(seen)
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for await (const { change } of this.#api.events(0, { signal })) {
      const sentence = this.#text.sentence(change)
      if (change.kind === 'service-scaled' && change.scaling !== undefined) {
        this.scaledUp ||= change.scaling.direction === 'up'
        this.scaledDown ||= change.scaling.direction === 'down'
        this.wanted = change.replicas
      }
      if (!TOLD.has(change.kind)) continue
      this.#lines = [...this.#lines, sentence].slice(-LINES_KEPT)
      this.#onLine(sentence)
    }
  }
}

const TOLD: ReadonlySet<string> = new Set([
  'node-joined',
  'service-applied',
  'service-scaled',
  'service-advice',
  'service-failures',
  'replica-added',
  'replica-draining',
])
