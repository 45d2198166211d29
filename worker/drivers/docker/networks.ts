/** The networks of replicas: made where they do not exist, and taken away again when unused. */
import { z } from 'zod'
import { conflict } from '../../../shared/errors.ts'
import type { NodeId } from '../../../shared/model.ts'
import type { AssignedReplica } from '../../../shared/protocol.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'
import { NODE_LABEL } from './labels.ts'
import { endpointOf, isBuiltIn } from './network-choice.ts'

const networkSchema = z.object({ Id: z.string().min(1), Name: z.string(), Driver: z.string() })
const networksSchema = z.array(networkSchema)
const rowsSchema = z.array(z.object({ Id: z.string() }))

/** They hold no container that this driver could publish a port of. */
const DRIVERS_REFUSED = ['host', 'null']

export class Networks {
  readonly #engine: Engine
  /** How many starts are under way that need each network. */
  readonly #held = new Map<string, number>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Until the answer is called, none of these is taken away. */
  hold(names: readonly string[]): () => void {
    for (const name of names) this.#held.set(name, (this.#held.get(name) ?? 0) + 1)
    return () => {
      for (const name of names) this.#held.set(name, (this.#held.get(name) ?? 1) - 1)
    }
  }

  async ensure(names: readonly string[], node: NodeId, signal: AbortSignal): Promise<void> {
    for (const name of names.filter((each) => !isBuiltIn(each))) {
      // One after the other: an engine may make two networks of one name.
      await this.#inTurn(() => this.#ensureOne(name, node, signal))
    }
  }

  async connect(
    network: string,
    container: string,
    assigned: AssignedReplica,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { Container: container, EndpointConfig: endpointOf(network, assigned) }
    await this.#engine.call(
      `connect "${assigned.serviceName}" to network "${network}"`,
      (docker, abortSignal) => {
        const options = { ...asked, abortSignal }
        return docker.getNetwork(network).connect(options)
      },
      { signal },
    )
  }

  /** Takes away what this node has made and nobody uses. */
  async sweep(node: NodeId): Promise<void> {
    await this.#inTurn(async () => {
      for (const { Id, Name } of await this.#ours(node)) {
        const isHeld = (this.#held.get(Name) ?? 0) > 0
        if (!isHeld && !(await this.#isUsed(Name))) await this.#remove(Id, Name)
      }
    })
  }

  async #ensureOne(name: string, node: NodeId, signal: AbortSignal): Promise<void> {
    const found = await this.#find(name, signal)
    if (found !== undefined) {
      if (!DRIVERS_REFUSED.includes(found.Driver)) return
      throw conflict(`Cannot use network "${name}": it is the machine's own`)
    }
    const asked = { Name: name, Driver: 'bridge', CheckDuplicate: true }
    const Labels = { [NODE_LABEL]: node }
    try {
      await this.#engine.call(
        `make network "${name}"`,
        (docker, abortSignal) => {
          const options = { ...asked, _query: {}, _body: { ...asked, Labels }, abortSignal }
          return docker.createNetwork(options)
        },
        { signal },
      )
    } catch (error) {
      // Somebody else was faster.
      if (!isRefused(error, 409)) throw error
    }
  }

  async #find(name: string, signal: AbortSignal) {
    const answer = await this.#engine.call(
      `look at network "${name}"`,
      (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
      { signal },
    )
    // The engine answers all whose name contains this one.
    return networksSchema.parse(answer).find(({ Name }) => Name === name)
  }

  async #ours(node: NodeId) {
    const filters = { label: [`${NODE_LABEL}=${node}`] }
    const answer = await this.#engine.call('list networks', (docker, abortSignal) =>
      docker.listNetworks({ filters, abortSignal }),
    )
    return networksSchema.parse(answer)
  }

  /** Also by a container that has not been started yet, or has ended. */
  async #isUsed(name: string): Promise<boolean> {
    const filters = { network: [name] }
    const answer = await this.#engine.call('list containers', (docker, abortSignal) =>
      docker.listContainers({ all: true, filters, abortSignal }),
    )
    return rowsSchema.parse(answer).length > 0
  }

  async #remove(id: string, name: string): Promise<void> {
    try {
      await this.#engine.call(`remove network "${name}"`, (docker, abortSignal) =>
        docker.getNetwork(id).remove({ abortSignal }),
      )
    } catch (error) {
      // Used again since it was looked at, or gone.
      if (!isRefused(error, 403, 404, 409)) throw error
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }
}
