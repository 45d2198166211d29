/** The engine's stream of events, held open: where it breaks off it is taken up again. */
import type { Readable } from 'node:stream'
import type { Clock } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { NodeId } from '../../../shared/model.ts'
import { Backoff } from '../../backoff.ts'
import type { Engine } from './engine.ts'
import { type EngineEvent, EVENTS, readEvent } from './engine-event.ts'
import { openFrom } from './engine-get.ts'
import { jsonLines } from './json-lines.ts'
import { NODE_LABEL } from './labels.ts'

export interface EngineEventsParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
  readonly node: () => NodeId
  readonly onEvent: (event: EngineEvent) => void
  /** It is open: what happened before may have been missed. */
  readonly onOpen: () => void
}

const AGAIN_MIN_MS = 100
const AGAIN_MAX_MS = 5_000
/** Before the first join nobody knows which containers are ours. */
const NODE_POLL_MS = 200
/** The time of the last event is not exact to the nanosecond; whatever comes twice is dropped. */
const OVERLAP_NANOS = 1e6
const KEYS_MAX = 1_000
const NANOS_PER_S = 1e9

export class EngineEvents {
  readonly #parts: EngineEventsParts
  readonly #keys = new Set<string>()
  #lastNano: number | undefined
  #current: Readable | undefined
  #hurry = new AbortController()

  constructor(parts: EngineEventsParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, node } = this.#parts
    while (node() === '' && !signal.aborted) await clock.sleep(NODE_POLL_MS, signal)
    const backoff = new Backoff(clock, AGAIN_MIN_MS, AGAIN_MAX_MS)
    const hurry = (): void => this.#hurry.abort()
    signal.addEventListener('abort', hurry, { once: true })
    while (!signal.aborted) {
      this.#hurry = new AbortController()
      await this.#follow(signal, () => backoff.reset())
      if (!signal.aborted) await backoff.pause(this.#hurry.signal)
    }
    signal.removeEventListener('abort', hurry)
  }

  /** Opens it anew: it may stand open to an engine that has gone, and be silent for ever. */
  reopen(): void {
    this.#current?.destroy()
    this.#hurry.abort()
  }

  async #follow(signal: AbortSignal, opened: () => void): Promise<void> {
    let isOpen = false
    try {
      this.#current = await this.#open(signal)
      isOpen = true
      opened()
      this.#parts.onOpen()
      for await (const told of jsonLines(this.#current)) this.#hear(readEvent(told))
    } catch (error) {
      // While the engine is away every try fails, and that is told elsewhere.
      const isNews = isOpen && !signal.aborted
      if (isNews) this.#parts.log.debug('events broke off', { reason: sentenceOf(error) })
    } finally {
      this.#current?.destroy()
      this.#current = undefined
    }
  }

  #open(signal: AbortSignal): Promise<Readable> {
    const label = [`${NODE_LABEL}=${this.#parts.node()}`]
    const filters = JSON.stringify({ type: ['container'], event: EVENTS, label })
    const query = { filters, ...this.#since() }
    return this.#parts.engine.stream(
      'hear of containers',
      (docker, abortSignal) => openFrom(docker, '/events', { abortSignal, query }),
      { signal },
    )
  }

  #since(): { since?: string } {
    if (this.#lastNano === undefined) return {}
    return { since: ((this.#lastNano - OVERLAP_NANOS) / NANOS_PER_S).toFixed(6) }
  }

  #hear(event: EngineEvent): void {
    if (this.#keys.has(event.key)) return
    this.#keys.add(event.key)
    const [oldest] = this.#keys
    if (this.#keys.size > KEYS_MAX && oldest !== undefined) this.#keys.delete(oldest)
    this.#lastNano = Math.max(this.#lastNano ?? 0, event.timeNano)
    this.#parts.onEvent(event)
  }
}
