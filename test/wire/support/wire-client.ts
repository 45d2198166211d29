import { connect, type Socket } from 'node:net'
import { after } from '../../../shared/clock.ts'
import { type Mode, piecesOf, turn } from './pieces.ts'

/** A client that sends exactly what it is told and keeps every byte that comes back. */
export class WireClient {
  text = ''
  closed = false
  readonly socket: Socket
  #wake: () => void = () => undefined

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: false })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.text += text
      this.#wake()
    })
    this.socket.on('error', () => this.socket.destroy())
    const close = (): void => {
      this.closed = true
      this.#wake()
    }
    this.socket.on('end', close)
    this.socket.on('close', close)
  }

  /** Stops where the other side has closed: what remains would reach nobody. */
  async say(bytes: string, mode: Mode): Promise<void> {
    for (const piece of piecesOf(bytes, mode)) {
      if (this.closed) return
      this.socket.write(piece, 'latin1')
      if (mode !== 'whole') await turn(mode === 'halves' ? 4 : 1)
    }
  }

  end(): void {
    this.socket.end()
  }

  /** Whether it became true before the time was over. */
  async waits(check: () => boolean, timeoutMs: number): Promise<boolean> {
    let late = false
    const cancel = after(timeoutMs, () => {
      late = true
      this.#wake()
    })
    while (!check() && !late) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    cancel()
    return check()
  }

  destroy(): void {
    this.socket.destroy()
  }
}
