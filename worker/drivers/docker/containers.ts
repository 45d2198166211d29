/** The containers of this node: found by their labels, looked at, ended. */
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import type { NodeId, ReplicaId } from '../../../shared/model.ts'
import { secondsOf } from './container.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'
import { Gate } from './gate.ts'
import { type Inspected, readInspected } from './inspected.ts'
import { NODE_LABEL, REPLICA_LABEL } from './labels.ts'

const rowsSchema = z.array(z.object({ Id: z.string().min(1) }))

const LOOKS_AT_ONCE = 16
/** The engine waits for the grace itself, then forces; this is what it may take beyond. */
const STOP_EXTRA_MS = 15_000
const REMOVE_DEADLINE_MS = 30_000
const GONE_POLL_MS = 100

export class Containers {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #gate = new Gate(LOOKS_AT_ONCE)

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine
    this.#clock = clock
  }

  /** All that carry the label of this node, also those that have ended. */
  async ofNode(node: NodeId): Promise<readonly Inspected[]> {
    const ids = await this.#find([`${NODE_LABEL}=${node}`])
    const looked = await Promise.all(ids.map((id) => this.#gate.run(() => this.inspect(id))))
    return looked.filter((each) => each !== undefined)
  }

  async idsOf(node: NodeId, replica: ReplicaId, signal?: AbortSignal): Promise<readonly string[]> {
    return await this.#find([`${NODE_LABEL}=${node}`, `${REPLICA_LABEL}=${replica}`], signal)
  }

  /** By its id or name; undefined when there is none. */
  async inspect(container: string, signal?: AbortSignal): Promise<Inspected | undefined> {
    try {
      const answer = await this.#engine.call(
        `look at container ${shown(container)}`,
        (docker, abortSignal) => docker.getContainer(container).inspect({ abortSignal }),
        { signal },
      )
      return readInspected(answer)
    } catch (error) {
      if (isRefused(error, 404)) return undefined
      throw error
    }
  }

  /** Asks it to end, waits, forces it, and removes it with the volumes that have no name. */
  async end(id: string, graceMs: number): Promise<void> {
    try {
      await this.#engine.call(
        `stop container ${shown(id)}`,
        (docker, abortSignal) =>
          docker.getContainer(id).stop({ t: secondsOf(graceMs), abortSignal }),
        { deadlineMs: graceMs + STOP_EXTRA_MS },
      )
    } catch (error) {
      // It is gone, has ended, is being removed, or cannot be stopped: removing it tells.
      if (!isRefused(error)) throw error
    }
    await this.remove(id)
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#engine.call(
        `remove container ${shown(id)}`,
        (docker, abortSignal) =>
          docker.getContainer(id).remove({ v: true, force: true, abortSignal }),
        { deadlineMs: REMOVE_DEADLINE_MS, signal },
      )
    } catch (error) {
      if (isRefused(error, 404)) return
      // Somebody else removes it already.
      if (isRefused(error, 409)) return await this.#gone(id, error, signal)
      throw error
    }
  }

  async #gone(id: string, refusal: unknown, signal?: AbortSignal): Promise<void> {
    const untilMs = this.#clock.nowMs() + REMOVE_DEADLINE_MS
    while ((await this.inspect(id, signal)) !== undefined) {
      if (this.#clock.nowMs() >= untilMs) throw refusal
      await this.#clock.sleep(GONE_POLL_MS, signal)
    }
  }

  async #find(label: string[], signal?: AbortSignal): Promise<readonly string[]> {
    const asked = { all: true, filters: { label } }
    const answer = await this.#engine.call(
      'list containers',
      (docker, abortSignal) => docker.listContainers({ ...asked, abortSignal }),
      { signal },
    )
    return rowsSchema.parse(answer).map(({ Id }) => Id)
  }
}

const ID = /^[0-9a-f]{64}$/

/** People know containers by the first part of their id. */
function shown(container: string): string {
  return ID.test(container) ? container.slice(0, 12) : `"${container}"`
}
