/** A WebSocket as any client may open it, with whatever headers. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'

/** Rejects with the status and body of a refusal: `403 {"error":…}`. */
export async function openSocket(url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, options)
  onTestFinished(() => socket.terminate())
  socket.on('error', () => undefined)
  const refused = new Promise<never>((_, reject) => {
    socket.once('unexpected-response', (_request: unknown, response: IncomingMessage) => {
      textOf(response).then((text) => reject(new Error(`${response.statusCode} ${text}`)), reject)
    })
    socket.once('error', reject)
  })
  await Promise.race([once(socket, 'open'), refused])
  return socket
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}
