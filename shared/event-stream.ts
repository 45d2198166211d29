/** Reads a stream of server-sent events as the HTML standard says, with every length bounded. */
import { RequestError } from './errors.ts'

export interface ServerSentEvent {
  readonly id?: string
  readonly event: string
  readonly data: string
}

export interface EventStreamLimits {
  readonly lineCharactersMax: number
  readonly eventCharactersMax: number
}

interface Draft {
  event: string
  data: string[]
  characters: number
  id: string | undefined
}

/** Throws when a line or an event is longer than its limit; an unfinished last event is dropped. */
export async function* parseEventStream(
  chunks: AsyncIterable<Uint8Array>,
  limits: EventStreamLimits,
): AsyncGenerator<ServerSentEvent> {
  const draft: Draft = { event: '', data: [], characters: 0, id: undefined }
  for await (const line of linesOf(chunks, limits.lineCharactersMax)) {
    if (line !== '') {
      addLine(draft, line)
      if (draft.characters > limits.eventCharactersMax) throw tooLong('an event')
      continue
    }
    const event = finish(draft)
    if (event !== undefined) yield event
  }
}

/** The last line is dropped when nothing ends it. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  lineCharactersMax: number,
): AsyncGenerator<string> {
  // Strips the byte order mark, too.
  const decoder = new TextDecoder()
  let rest = ''
  let endedWithReturn = false
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    // A line feed that begins a chunk may be the second half of an end already seen.
    const whole = endedWithReturn ? text.replace(/^\n/, '') : text
    endedWithReturn = text.endsWith('\r')
    const lines = `${rest}${whole}`.split(/\r\n|\n|\r/)
    if (lines.some((line) => line.length > lineCharactersMax)) throw tooLong('a line')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

function addLine(draft: Draft, line: string): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const field = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (field === 'event') draft.event = value
  if (field === 'id' && !value.includes('\0')) draft.id = value
  if (field !== 'data') return
  draft.data.push(value)
  draft.characters += value.length + 1
}

// The last id stays in force for the events after it; everything else begins anew.
function finish(draft: Draft): ServerSentEvent | undefined {
  const { id, data, event } = draft
  draft.data = []
  draft.event = ''
  draft.characters = 0
  if (data.length === 0) return undefined
  return {
    ...(id === undefined ? {} : { id }),
    event: event === '' ? 'message' : event,
    data: data.join('\n'),
  }
}

function tooLong(what: string): RequestError {
  const message = `Cannot read the events: ${what} is longer than its limit`
  return new RequestError(502, 'UNEXPECTED_ANSWER', message)
}
