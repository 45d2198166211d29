/** Tells TLS from plain HTTP by the first byte of a connection. */
import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'

export interface Receivers {
  readonly secure: HttpsServer
  readonly plain: HttpServer
}

export interface Waiting {
  readonly peekMs: number
  /** The connections that have not said anything yet. */
  readonly silent: Set<Socket>
}

/** RFC 8446 §5.1: the type of a record that carries a handshake. */
const TLS_HANDSHAKE = 0x16

/** Closes the connection when nothing comes, or when it fails, before it is somebody else's. */
export function handOver(socket: Socket, receivers: Receivers, waiting: Waiting): void {
  const give = (chunk: Buffer): void => {
    release()
    // No byte may be read meanwhile: what has been read goes back before the first reader comes.
    socket.pause()
    socket.unshift(chunk)
    const isTls = chunk[0] === TLS_HANDSHAKE
    // HTTP outlives the client's end of its side, TLS does not.
    socket.allowHalfOpen = !isTls
    const receiver = isTls ? receivers.secure : receivers.plain
    receiver.emit('connection', socket)
    if (!isTls) socket.resume()
  }
  const drop = (): void => {
    socket.destroy()
  }
  const cancel = after(waiting.peekMs, drop)
  const forget = (): void => {
    cancel()
    waiting.silent.delete(socket)
  }
  const release = (): void => {
    forget()
    socket.off('data', give)
    socket.off('end', drop)
    socket.off('error', drop)
    socket.off('close', forget)
  }
  waiting.silent.add(socket)
  socket.once('data', give)
  socket.once('end', drop)
  socket.on('error', drop)
  socket.once('close', forget)
}
