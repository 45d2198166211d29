/** The output of one replica as the master tells it, and how it is shown. */
import type { LogLineView } from '../../shared/api.ts'
import { RequestError } from '../../shared/errors.ts'
import { z } from './answers.ts'
import type { Api } from './api.ts'
import { pathOf } from './listing.ts'

export interface LogQuery {
  readonly follow: boolean
  readonly tail?: number | undefined
  readonly sinceMs?: number | undefined
}

const lineSchema = z.object({
  replica: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  atMs: z.number().exactOptional(),
  text: z.string(),
})
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Rejects with the sentence of the master when it cannot go on. */
export async function* logLinesOf(
  api: Pick<Api, 'lines'>,
  replica: string,
  { follow, tail, sinceMs }: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLineView> {
  const query = new URLSearchParams()
  if (follow) query.set('follow', 'true')
  if (tail !== undefined) query.set('tail', String(tail))
  if (sinceMs !== undefined) query.set('since', String(sinceMs))
  for await (const text of api.lines(`${pathOf('replicas', replica, 'logs')}?${query}`, signal)) {
    yield lineIn(text)
  }
}

function lineIn(text: string): LogLineView {
  const value = jsonOf(text)
  const line = lineSchema.safeParse(value)
  if (line.success) return line.data
  const failed = errorSchema.safeParse(value)
  if (!failed.success) {
    throw new RequestError(502, 'UNEXPECTED_ANSWER', 'Cannot read the output: a line is no JSON')
  }
  const { code, message } = failed.data.error
  throw new RequestError(502, code, message)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** In the order of their times; a line without a time follows the one before it. */
export async function* merged(
  sources: readonly AsyncIterable<LogLineView>[],
): AsyncGenerator<LogLineView> {
  const heads: { atMs: number; line: LogLineView; rest: AsyncIterator<LogLineView> }[] = []
  const add = async (rest: AsyncIterator<LogLineView>, before: number): Promise<void> => {
    const { done, value } = await rest.next()
    if (done !== true) heads.push({ rest, line: value, atMs: value.atMs ?? before })
  }
  await Promise.all(sources.map((source) => add(source[Symbol.asyncIterator](), 0)))
  while (heads.length > 0) {
    let first = 0
    for (const [at, { atMs }] of heads.entries()) if (atMs < (heads[first]?.atMs ?? 0)) first = at
    const [head] = heads.splice(first, 1)
    if (head === undefined) return
    yield head.line
    await add(head.rest, head.atMs)
  }
}
