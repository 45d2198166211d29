/** Follows the replicas of a service as they come and go. */
import type { LogLineView, ReplicaView } from '../../shared/api.ts'
import { MasterUnreachable } from '../../shared/control-client.ts'
import { RequestError } from '../../shared/errors.ts'
import type { Api } from './api.ts'
import type { Session } from './command.ts'
import { failureOf } from './failure.ts'
import { type LogQuery, logLinesOf } from './log-lines.ts'

export interface Following {
  readonly api: Pick<Api, 'lines'>
  /** Those there are now; whoever comes later is found by asking again. */
  readonly replicas: () => Promise<readonly ReplicaView[]>
  readonly query: LogQuery
  readonly show: (line: LogLineView) => Promise<void>
  readonly label: (replica: string) => string
  readonly session: Pick<Session, 'screen' | 'clock' | 'signal'>
}

const LOOK_EVERY_MS = 1_000
const REPLICAS_MAX = 100

interface Followed {
  /** What the driver called the run that was followed; another one is followed anew. */
  handle: string | undefined
  hasLines: boolean
  lastAtMs: number | undefined
  state: 'new' | 'reading' | 'cut' | 'ended'
  /** The last complaint, which is not repeated. */
  told: string | undefined
}

/** Until the signal aborts or the service is gone. */
export async function followAll(following: Following): Promise<void> {
  const { session, query } = following
  const known = new Map<string, Followed>()
  const tasks = new Set<Promise<void>>()
  const away = new Away(session)
  let bug: { readonly error: unknown } | undefined
  let asked = query
  while (!session.signal.aborted && bug === undefined) {
    const views = await away.unless(following.replicas())
    if (views === 'gone') break
    for (const view of views.filter(isWorthIt)) {
      const followed = due(view, known)
      if (followed === undefined) continue
      const task = followOne(view.id, followed, asked, following)
        .catch((error: unknown) => {
          bug = { error }
        })
        .finally(() => tasks.delete(task))
      tasks.add(task)
    }
    // Of a replica that comes later, everything is new.
    if (views.length > 0) asked = { follow: true }
    await session.clock.sleep(LOOK_EVERY_MS, session.signal)
  }
  await Promise.all(tasks)
  if (bug !== undefined) throw bug.error
}

/** A master that is away is waited for, and told of once. */
class Away {
  readonly #session: Following['session']
  #isAway = false

  constructor(session: Following['session']) {
    this.#session = session
  }

  async unless(answer: Promise<readonly ReplicaView[]>): Promise<readonly ReplicaView[] | 'gone'> {
    try {
      const views = await answer
      this.#isAway = false
      return views
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return 'gone'
      if (!isPassing(error)) throw error
      if (!this.#isAway) this.#session.screen.complain(`${sentence(error)}; waiting for it`)
      this.#isAway = true
      return []
    }
  }
}

/** Nothing was printed yet where nothing has been started. */
function isWorthIt({ state }: ReplicaView): boolean {
  return state !== 'pending' && state !== 'assigned' && state !== 'unknown'
}

/** Undefined when it is being followed, or has been to its end. */
function due(view: ReplicaView, known: Map<string, Followed>): Followed | undefined {
  const fresh = { handle: undefined, hasLines: false, lastAtMs: undefined, told: undefined }
  const followed = known.get(view.id) ?? { ...fresh, state: 'new' as const }
  if (followed.state === 'new' && known.size >= REPLICAS_MAX) return undefined
  const isNewRun = view.handle !== undefined && view.handle !== followed.handle
  if (followed.state === 'reading' || (followed.state === 'ended' && !isNewRun)) return undefined
  followed.handle = view.handle
  known.set(view.id, followed)
  return followed
}

/** After what was seen; where lines have no time, only what comes is sure to be new. */
function after(query: LogQuery, { state, hasLines, lastAtMs }: Followed): LogQuery {
  if (state === 'new') return query
  if (lastAtMs !== undefined) return { follow: true, sinceMs: lastAtMs + 1 }
  return { follow: true, ...(hasLines ? { tail: 0 } : {}) }
}

async function followOne(
  id: string,
  followed: Followed,
  query: LogQuery,
  { api, show, label, session }: Following,
): Promise<void> {
  const asked = after(query, followed)
  followed.state = 'reading'
  try {
    for await (const line of logLinesOf(api, id, asked, session.signal)) {
      followed.hasLines = true
      followed.lastAtMs = line.atMs ?? followed.lastAtMs
      followed.told = undefined
      await show(line)
    }
    followed.state = 'ended'
    if (!session.signal.aborted) session.screen.complain(`${label(id)} has ended`)
  } catch (error) {
    if (session.signal.aborted) return
    if (!isPassing(error) && !(error instanceof RequestError)) throw error
    followed.state = isPassing(error) ? 'cut' : 'ended'
    const told = sentence(error)
    if (told !== followed.told) session.screen.complain(`${label(id)} ${told}`)
    followed.told = told
  }
}

function sentence(error: unknown): string {
  return failureOf(error).lines[0] ?? ''
}

/** The master, the worker or the way to them: it may be there again. */
function isPassing(error: unknown): boolean {
  if (error instanceof MasterUnreachable) return true
  return error instanceof RequestError && (error.status >= 500 || error.status === 429)
}
