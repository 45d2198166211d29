/** Reads a stream of server-sent events as the HTML standard says, with every length bounded. */
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
      if (draft.characters > limits.eventCharactersMax) throw tooLong('event')
      continue
    }
    const event = finish(draft)
    if (event !== undefined) yield event
  }
}

async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  lineCharactersMax: number,
): AsyncGenerator<string> {
  // Strips the byte order mark, too.
  const decoder = new TextDecoder()
  let rest = ''
  let endedWithReturn = false
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    if (endedWithReturn && text.startsWith('\n')) text = text.slice(1)
    endedWithReturn = text === '' ? false : text.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    lines[0] = rest + (lines[0] ?? '')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.length > lineCharactersMax) throw tooLong('line')
      yield line
    }
    if (rest.length > lineCharactersMax) throw tooLong('line')
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

function tooLong(what: string): Error {
  return new Error(`a ${what} of the event stream is longer than its limit`)
}
