import { startDeadline } from '../../shared/call-deadline.ts'
import type { Entry } from '../../shared/change.ts'
import { systemClock } from '../../shared/clock.ts'
import {
  type ControlClient,
  createControlClient,
  MasterUnreachable,
} from '../../shared/control-client.ts'
import { streamsOver } from '../../shared/stream-connection.ts'
import type { Stream } from '../../shared/stream-mux.ts'
import { entryAnswer, z } from './answers.ts'
import type { Arguments } from './arguments.ts'
import { usage } from './failure.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The master as a command sees it: plain JSON; what is shown is parsed by `answers`. */
export interface Api {
  readonly master: string
  get(path: string): Promise<unknown>
  send(method: Method, path: string, body?: unknown): Promise<unknown>
  /** Changes after a revision as they happen, until the signal aborts. */
  events(after: number, options: FollowOptions): AsyncIterable<Entry>
  /** Lines of JSON, until the master ends them or the signal aborts. */
  lines(path: string, signal: AbortSignal): AsyncIterable<string>
  /** Runs a command inside a replica; rejects when it is refused. */
  exec(replica: string, order: ExecOrder, signal: AbortSignal): Promise<ExecCall>
  close(): void
}

export interface ExecOrder {
  readonly command: readonly string[]
  readonly terminal?: { readonly columns: number; readonly rows: number }
}

export interface ExecCall {
  readonly stream: Stream
  /** Lets go of the command, whether it has ended or not. */
  close(): void
}

export interface FollowOptions {
  readonly signal: AbortSignal
  /** Tells once that the master is away; the changes go on where they ended. */
  onCut?(sentence: string): void
}

const READ_DEADLINE_MS = 5_000
const WRITE_DEADLINE_MS = 15_000
const RECONNECT_MS = 500
/** The master asks the worker, which may take its time. */
const EXEC_DEADLINE_MS = 15_000
/** Both ends know of it without a word. */
const ONLY_STREAM = 1
export const MASTER_DEFAULT = 'http://127.0.0.1:18080'

export interface Target {
  readonly masters: readonly string[]
  readonly token?: string
  readonly insecure?: boolean
}

/** Which master: the flag, the environment, this machine. */
export function targetOf(
  args: Arguments,
  environment: Readonly<Record<string, string | undefined>>,
): Target {
  const named = args.text('master') ?? (environment.ORCHESTRIFY_MASTER || MASTER_DEFAULT)
  const masters = named.split(',').map((url) => url.trim())
  const wrong = masters.find((url) => !isUrl(url))
  if (wrong !== undefined)
    throw usage(`Cannot use "${wrong}" as a master: expected http://HOST:PORT`)
  const token = args.text('token') ?? (environment.ORCHESTRIFY_TOKEN || undefined)
  const insecure = args.flag('insecure') ?? false
  return { masters, insecure, ...(token === undefined ? {} : { token }) }
}

function isUrl(url: string): boolean {
  const whole = url.includes('://') ? url : `http://${url}`
  return /^https?:\/\//.test(whole) && URL.canParse(whole)
}

export function openApi(target: Target): Api {
  const client = createControlClient({
    ...target,
    masters: [...target.masters],
    deadlineMs: READ_DEADLINE_MS,
  })
  const schema = z.unknown()
  return {
    master: target.masters[0] ?? MASTER_DEFAULT,
    get: (path) => client.call({ method: 'GET', path, schema, deadlineMs: READ_DEADLINE_MS }),
    send: (method, path, body) =>
      client.call({
        method,
        path,
        schema,
        deadlineMs: WRITE_DEADLINE_MS,
        ...(body === undefined ? {} : { body }),
      }),
    events: (after, options) => follow(client, after, options),
    lines: (path, signal) => client.lines(path, { signal }),
    exec: (replica, order, signal) => exec(client, { replica, order }, signal),
    close: () => client.close(),
  }
}

async function exec(
  client: ControlClient,
  { replica, order }: { readonly replica: string; readonly order: ExecOrder },
  signal: AbortSignal,
): Promise<ExecCall> {
  const path = `/v1/replicas/${encodeURIComponent(replica)}/exec`
  const socket = await client.connect(path, { signal, deadlineMs: READ_DEADLINE_MS })
  socket.send(JSON.stringify(order))
  const mux = streamsOver(socket, { lost: (reason) => `Cannot go on with the command: ${reason}` })
  const stream = mux.attach(ONLY_STREAM)
  const close = (): void => {
    stream.cancel()
    socket.close('the client leaves')
  }
  const deadline = startDeadline(EXEC_DEADLINE_MS, signal)
  deadline.signal.addEventListener('abort', close, { once: true })
  try {
    await stream.opened
    return { stream, close }
  } catch (error) {
    close()
    signal.throwIfAborted()
    if (!deadline.isOver()) throw error
    throw new MasterUnreachable(`Cannot run the command: no answer in ${EXEC_DEADLINE_MS} ms`)
  } finally {
    deadline.signal.removeEventListener('abort', close)
    deadline.end()
  }
}

/** Goes on after the last change seen when the stream is cut; the first connection must succeed. */
async function* follow(
  client: ControlClient,
  after: number,
  { signal, onCut }: FollowOptions,
): AsyncGenerator<Entry> {
  let seen = after
  let state: 'new' | 'connected' | 'cut' = 'new'
  while (!signal.aborted) {
    const options = { accept: 'text/event-stream', lastEventId: String(seen), signal }
    try {
      for await (const { data } of client.stream(`/v1/events?after=${seen}`, options)) {
        state = 'connected'
        const entry = entryAnswer(data)
        seen = entry.revision
        yield entry
      }
    } catch (error) {
      if (signal.aborted) return
      if (state === 'new' || !(error instanceof MasterUnreachable)) throw error
      if (state === 'connected') onCut?.(error.message)
      state = 'cut'
    }
    await systemClock.sleep(RECONNECT_MS, signal)
  }
}
