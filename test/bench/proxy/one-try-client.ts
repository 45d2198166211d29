/**
 * A client that never tries again: a request without a complete right answer has failed. Only
 * between two requests may its connection go; then the next one opens another.
 */
import { connect, type Socket } from 'node:net'
import { after } from '../../../shared/clock.ts'

export interface OneTryOptions {
  readonly port: number
  /** Else each request has a connection of its own, and says so. */
  readonly keepAlive: boolean
}

/** Undefined: a complete right answer came; else why not. */
export type Verdict = string | undefined

const ANSWER_TIMEOUT_MS = 30_000
const BODY_BYTES = 100

export class OneTryClient {
  readonly #options: OneTryOptions
  #socket: Socket | undefined
  #received = ''
  #settle: ((verdict: Verdict) => void) | undefined
  #number = 0

  constructor(options: OneTryOptions) {
    this.#options = options
  }

  /** The answer of a replica begins with the number that it was asked for. */
  async ask(number: number): Promise<Verdict> {
    const cancel = after(ANSWER_TIMEOUT_MS, () => this.#end('no answer in time'))
    const verdict = await new Promise<Verdict>((resolve) => {
      this.#settle = resolve
      this.#number = number
      this.#received = ''
      this.#open().write(this.#request(number), 'latin1')
    })
    cancel()
    if (verdict !== undefined || !this.#options.keepAlive) this.close()
    return verdict
  }

  close(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
  }

  #request(number: number): string {
    const connection = this.#options.keepAlive ? 'keep-alive' : 'close'
    const host = `127.0.0.1:${this.#options.port}`
    return `GET /w/${number} HTTP/1.1\r\nHost: ${host}\r\nConnection: ${connection}\r\n\r\n`
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket
    const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true })
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(socket, text))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#lost(socket, error.code ?? error.message),
    )
    socket.on('end', () => this.#lost(socket, 'the connection was closed'))
    socket.on('close', () => this.#lost(socket, 'the connection was closed'))
    this.#socket = socket
    return socket
  }

  #take(socket: Socket, text: string): void {
    if (socket !== this.#socket) return
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    const wrong = this.#settle === undefined ? 'bytes that nobody asked for' : undefined
    if (wrong !== undefined) this.#lost(socket, wrong)
    else if (end !== -1) this.#judge(socket, this.#received.slice(0, end), end + 4)
  }

  #judge(socket: Socket, head: string, bodyAt: number): void {
    const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? []
    const body = this.#received.slice(bodyAt)
    // Whatever else comes, it has failed.
    if (status !== '200') this.#lost(socket, `status ${status ?? 'unknown'}`)
    else if (body.length >= BODY_BYTES) {
      if (/\r\nconnection:[^\r]*\bclose\b/i.test(head)) this.close()
      this.#end(judged(body, this.#number))
    }
  }

  #lost(socket: Socket, reason: string): void {
    if (socket !== this.#socket) return
    this.close()
    this.#end(reason)
  }

  #end(verdict: Verdict): void {
    const settle = this.#settle
    this.#settle = undefined
    settle?.(verdict)
  }
}

function judged(body: string, number: number): Verdict {
  if (body.length !== BODY_BYTES) return 'a body of another length'
  return body.trimEnd() === String(number) ? undefined : 'the answer of another request'
}
