/** What a worker tells line by line, checked and handed on as lines of JSON. */
import type { z } from 'zod'
import { RequestError } from '../../shared/errors.ts'
import type { ReplicaId } from '../../shared/model.ts'
import type { Stream } from '../../shared/stream-mux.ts'
import { logLineSchema, startProgressSchema } from '../../shared/stream-protocol.ts'

const LINE_CHARACTERS_MAX = 1_048_576

/** Each line that it printed, with the replica it is of. */
export function logLines(stream: Stream, replica: ReplicaId): AsyncGenerator<string> {
  return handOn(stream, (text) => ({ replica, ...valueIn(text, logLineSchema) }))
}

export function progressLines(stream: Stream, replica: ReplicaId): AsyncGenerator<string> {
  return handOn(stream, (text) => ({ replica, ...valueIn(text, startProgressSchema) }))
}

/** Ends with a line that says why, when it ends before its time. */
async function* handOn(stream: Stream, read: (text: string) => object): AsyncGenerator<string> {
  try {
    for await (const lines of linesIn(stream)) {
      // Lines that came together leave together.
      yield lines.map((text) => `${JSON.stringify(read(text))}\n`).join('')
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    const { code, message } = error
    yield `${JSON.stringify({ error: { code, message } })}\n`
  } finally {
    stream.cancel()
  }
}

async function* linesIn({ chunks }: Stream): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const { bytes } of chunks) {
    const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_CHARACTERS_MAX) throw unreadable('a line is too long')
    if (lines.length > 0) yield lines
  }
}

function valueIn<T>(text: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw unreadable(parsed.error.issues[0]?.message ?? 'it has another form')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(why: string): RequestError {
  return new RequestError(502, 'UNEXPECTED_ANSWER', `Cannot read what the worker sent: ${why}`)
}
