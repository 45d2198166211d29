/** Where workers bring their connection for streams, and where it is asked over. */
import { startDeadline } from '../../shared/call-deadline.ts'
import { RequestError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { NodeId } from '../../shared/model.ts'
import { streamsOver } from '../../shared/stream-connection.ts'
import type { Stream, StreamMux } from '../../shared/stream-mux.ts'
import type { StreamRequest } from '../../shared/stream-protocol.ts'
import type { StreamSocket } from '../../shared/stream-socket.ts'
import type { Ledger } from '../ledger.ts'
import type { StreamDoor } from '../surface.ts'
import { nodeOf, type Place, StreamPlaces } from './places.ts'
import { type ExecOrder, relayExec } from './relay-exec.ts'
import { logLines, progressLines } from './relay-lines.ts'

export interface StreamDoorParts {
  readonly ledger: Pick<Ledger, 'desired' | 'onCommit'>
  readonly log: Log
  /** Within this time a worker says whether it opens a stream. */
  readonly openMsMax?: number
}

interface Link {
  readonly socket: StreamSocket
  readonly mux: StreamMux
}

const OPEN_MS_MAX = 10_000
const ID_SHOWN = 8

export function openStreamDoor(parts: StreamDoorParts): StreamDoor {
  const { ledger, log } = parts
  const places = new StreamPlaces(ledger)
  const links = new Links(parts)
  const ask = (place: Place, request: StreamRequest, purpose: string, signal: AbortSignal) =>
    links.open({ node: nodeOf(place, purpose), request, purpose, signal })
  return {
    welcome: (node) => {
      links.expectNode(node)
      return (socket) => links.add(node, socket)
    },
    logs: async (text, asked, signal) => {
      const place = places.find(text)
      const { replica } = place
      const purpose = `show the output of ${shown(place)}`
      return logLines(
        await ask(place, { kind: 'logs', replica, ...asked }, purpose, signal),
        replica,
      )
    },
    progress: async (text, signal) => {
      const place = places.find(text)
      const { replica } = place
      const purpose = `show how far ${shown(place)} is`
      return progressLines(
        await ask(place, { kind: 'progress', replica }, purpose, signal),
        replica,
      )
    },
    exec: (text, actor) => {
      const place = places.find(text)
      const { replica } = place
      const purpose = `run a command in ${shown(place)}`
      links.expectLink(nodeOf(place, purpose), purpose)
      const open = async ({ command, terminal }: ExecOrder, signal: AbortSignal) => {
        // The arguments may hold secrets.
        log.info('command in a replica', { actor, replica, program: command[0] })
        const size = terminal === undefined ? {} : { terminal }
        const request = { kind: 'exec' as const, replica, command: [...command], ...size }
        return ask(place, request, purpose, signal)
      }
      return (socket) => relayExec(socket, open)
    },
  }
}

function shown({ serviceName, replica }: Place): string {
  return `${serviceName}/${replica.slice(0, ID_SHOWN)}`
}

interface Opening {
  readonly node: NodeId
  readonly request: StreamRequest
  /** For the sentence of a refusal. */
  readonly purpose: string
  readonly signal: AbortSignal
}

/** The connections of all workers, one each. */
class Links {
  readonly #links = new Map<NodeId, Link>()
  readonly #ledger: StreamDoorParts['ledger']
  readonly #openMsMax: number

  constructor({ ledger, openMsMax = OPEN_MS_MAX }: StreamDoorParts) {
    this.#ledger = ledger
    this.#openMsMax = openMsMax
    ledger.onCommit((entries) => {
      for (const { change } of entries) {
        if (change.kind !== 'node-removed') continue
        this.#links.get(change.node)?.socket.close('the node was removed')
      }
    })
  }

  /** A worker that connects anew has given up the connection before. */
  add(node: NodeId, socket: StreamSocket): void {
    const name = this.#nameOf(node)
    const lost = (): string => `Cannot go on: the connection to worker ${name} was lost`
    const link = { socket, mux: streamsOver(socket, { lost }) }
    this.#links.get(node)?.socket.close('the worker has connected anew')
    this.#links.set(node, link)
    void socket.closed.then(() => {
      if (this.#links.get(node) === link) this.#links.delete(node)
    })
  }

  async open({ node, request, purpose, signal }: Opening): Promise<Stream> {
    const stream = this.expectLink(node, purpose).mux.open(request)
    const deadline = startDeadline(this.#openMsMax, signal)
    const cancel = (): void => stream.cancel()
    deadline.signal.addEventListener('abort', cancel, { once: true })
    try {
      await stream.opened
    } catch (error) {
      if (!deadline.isOver()) throw error
      const message = `Cannot ${purpose}: worker ${this.#nameOf(node)} does not answer`
      throw new RequestError(504, 'NO_ANSWER', message)
    } finally {
      deadline.signal.removeEventListener('abort', cancel)
      deadline.end()
    }
    signal.addEventListener('abort', cancel, { once: true })
    void stream.outcome.then(() => signal.removeEventListener('abort', cancel))
    if (signal.aborted) cancel()
    return stream
  }

  expectLink(node: NodeId, purpose: string): Link {
    const link = this.#links.get(node)
    if (link !== undefined) return link
    const message = `Cannot ${purpose}: worker ${this.#nameOf(node)} is not connected`
    throw new RequestError(503, 'NOT_CONNECTED', message)
  }

  expectNode(node: NodeId): void {
    const { desired } = this.#ledger
    if (desired.nodes.has(node)) return
    if (desired.wasRemoved(node)) {
      throw new RequestError(410, 'GONE', `Cannot serve node "${node}": it was removed`)
    }
    throw new RequestError(404, 'UNKNOWN_NODE', `Cannot serve node "${node}": it has not joined`)
  }

  #nameOf(node: NodeId): string {
    return this.#ledger.desired.nodes.get(node)?.name ?? node
  }
}
