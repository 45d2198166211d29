import { createControlClient } from '../../shared/control-client.ts'
import type { Entry } from '../../shared/model.ts'
import type { Arguments } from './arguments.ts'
import { entryAnswer, z } from './answers.ts'
import { usage } from './failure.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** The master as a command sees it: plain JSON; what is shown is parsed by `answers`. */
export interface Api {
  readonly master: string
  get(path: string): Promise<unknown>
  send(method: Method, path: string, body?: unknown): Promise<unknown>
  /** Changes after a revision as they happen, until the signal aborts. */
  events(after: number, signal: AbortSignal): AsyncIterable<Entry>
  close(): void
}

const READ_DEADLINE_MS = 5_000
const WRITE_DEADLINE_MS = 15_000
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
  if (wrong !== undefined) throw usage(`Cannot use "${wrong}" as a master: expected http://HOST:PORT`)
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
    async *events(after, signal) {
      const options = { accept: 'text/event-stream', lastEventId: String(after), signal }
      for await (const event of client.stream(`/v1/events?after=${after}`, options)) {
        const entry = event.data === '' ? undefined : entryAnswer(event.data)
        if (entry !== undefined) yield entry
      }
    },
    close: () => client.close(),
  }
}
