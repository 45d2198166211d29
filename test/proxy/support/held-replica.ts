import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReplicaId } from '../../../shared/model.ts'
import { upstream } from './rig.ts'

export interface HeldReplicaOptions {
  /** Whether it answers only when it is told to. */
  readonly holds?: boolean
  /** What it does before it answers by itself. */
  readonly work?: () => Promise<void>
}

/** A replica of the service `web` that its test holds back; it answers with its own id. */
export class HeldReplica {
  holds: boolean
  /** Method and target of each request. */
  readonly asked: string[] = []
  mostAtOnce = 0
  /** Requests that were given up before they were answered. */
  givenUp = 0
  #port = 0
  readonly #work: () => Promise<void>
  readonly #open = new Set<ServerResponse>()

  constructor({ holds = true, work = () => Promise.resolve() }: HeldReplicaOptions) {
    this.holds = holds
    this.#work = work
  }

  get port(): number {
    return this.#port
  }

  get id(): ReplicaId {
    return `web-${this.#port}`
  }

  get atOnce(): number {
    return this.#open.size
  }

  async listen(): Promise<void> {
    this.#port = await upstream((request, response) => void this.#take(request, response))
  }

  /** Answers all that it has now. */
  answerAll(): void {
    for (const response of this.#open) response.end(this.id)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    this.#open.add(response)
    this.asked.push(`${request.method} ${request.url}`)
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce)
    response.once('close', () => {
      this.#open.delete(response)
      if (!response.writableEnded) this.givenUp += 1
    })
    if (this.holds) return
    await this.#work()
    response.end(this.id)
  }
}

export async function heldReplica(options: HeldReplicaOptions = {}): Promise<HeldReplica> {
  const replica = new HeldReplica(options)
  await replica.listen()
  return replica
}
