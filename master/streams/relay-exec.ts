/** One command that somebody runs inside a replica: between the WebSocket of the client and the worker. */
import { z } from 'zod'
import { after } from '../../shared/clock.ts'
import { RequestError } from '../../shared/errors.ts'
import { streamsOver } from '../../shared/stream-connection.ts'
import type { StreamEnd } from '../../shared/stream-frames.ts'
import type { Answering, Stream } from '../../shared/stream-mux.ts'
import { terminalSizeSchema } from '../../shared/stream-protocol.ts'
import type { Message, StreamSocket } from '../../shared/stream-socket.ts'

export interface ExecOrder {
  readonly command: readonly string[]
  readonly terminal?: z.infer<typeof terminalSizeSchema>
}

/** Asks the worker; rejects with a sentence. */
export type OpenExec = (order: ExecOrder, signal: AbortSignal) => Promise<Stream>

/** The client says at once what it wants. */
const FIRST_MS_MAX = 10_000
const WORDS_MAX = 1_000
const WORD_CHARACTERS_MAX = 32_768
/** Client and master have but one stream, which needs no opening. */
const ONLY_STREAM = 1

const orderSchema = z.object({
  command: z.array(z.string().max(WORD_CHARACTERS_MAX)).min(1).max(WORDS_MAX),
  terminal: terminalSizeSchema.exactOptional(),
})

/** Until the command has ended or the client is gone; a refusal is the end of the stream. */
export async function relayExec(socket: StreamSocket, open: OpenExec): Promise<void> {
  const first = await firstMessage(socket)
  if (first === undefined) return
  const mux = streamsOver(socket, { lost: (reason) => `Cannot go on: the client left: ${reason}` })
  const client = mux.attach(ONLY_STREAM)
  try {
    client.end(await relay(client, await open(orderIn(first), client.signal)))
  } catch (error) {
    client.end(refusalOf(error))
    if (!(error instanceof RequestError)) throw error
  } finally {
    await over(client.signal)
    socket.close('the command has ended')
  }
}

/** Neither side is read faster than the other takes it. */
async function relay(client: Answering, worker: Stream): Promise<StreamEnd> {
  client.accept()
  // A command that reads no more is none the worse for it: how it ends is told by its output.
  feed(client, worker).catch(() => undefined)
  for await (const { channel, bytes } of worker.chunks) await client.write(channel, bytes)
  return worker.outcome
}

async function feed(client: Answering, worker: Stream): Promise<void> {
  for await (const { channel, bytes } of client.chunks) await worker.write(channel, bytes)
  worker.endInput()
}

/** Undefined when the client left without a word. */
async function firstMessage(socket: StreamSocket): Promise<Message | undefined> {
  const message = new Promise<Message>((resolve) => {
    const onMessage = (first: Message): void => {
      socket.listen(undefined)
      resolve(first)
    }
    socket.listen({ onMessage, onDrain: () => undefined })
  })
  const cancel = after(FIRST_MS_MAX, () => socket.close('no command was named in time'))
  const first = await Promise.race([message, socket.closed.then(() => undefined)])
  cancel()
  return first
}

function orderIn(message: Message): ExecOrder {
  const parsed = orderSchema.safeParse(typeof message === 'string' ? jsonOf(message) : undefined)
  if (parsed.success) return parsed.data
  const why = parsed.error.issues[0]?.message ?? 'it has another form'
  throw new RequestError(422, 'VALIDATION_ERROR', `Cannot read the command: ${why}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusalOf(error: unknown): StreamEnd {
  if (error instanceof RequestError) {
    const { status, code, message } = error
    return { kind: 'failed', status, code, message }
  }
  const message = 'Cannot run the command: the master failed; its log says why'
  return { kind: 'failed', status: 500, code: 'INTERNAL_ERROR', message }
}

function over(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
