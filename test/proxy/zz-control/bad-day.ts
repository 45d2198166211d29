/** What the tests of bad days share: replicas that misbehave, crowds of clients, one good probe. */
import { createServer as createHttpServer, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { deadline } from '../../../shared/clock.ts'
import type { Running, Setting, Subject } from '../../wire/support/subject.ts'
import { startSubject } from '../../wire/support/subject.ts'

/** A probe is called slow beyond this, however busy the machine. */
const PROBE_MS = 2_000

export const REASON = 'x-orchestrify-reason'

export async function startProxy(subject: Subject, setting: Setting): Promise<Running> {
  const proxy = await startSubject(subject, setting)
  onTestFinished(() => proxy.close())
  return proxy
}

/** A server that speaks bytes; answers its port. */
export async function replicaThat(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** One that answers every head with these bytes, and reads over bodies. */
export function replicaSaying(bytes: () => string): Promise<number> {
  return replicaThat((socket) => {
    socket.on('data', (data: Buffer) => {
      for (const _ of data.toString('latin1').matchAll(/ HTTP\/1\.1\r\n/g)) {
        socket.write(bytes(), 'latin1')
      }
    })
  })
}

/** A decent one: it answers when it has the whole request. */
export async function decentReplica(): Promise<number> {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (asked, answer) => {
    asked.on('end', () => answer.end('fine'))
    asked.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

export const FINE = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine'

export interface Probed {
  readonly status: number
  readonly reason: string | undefined
  readonly retryAfter: string | undefined
  readonly body: string
}

/** A decent request on a connection of its own; rejects when it takes long or is cut. */
export function probe(port: number, path = '/s/web/x', method = 'GET'): Promise<Probed> {
  return new Promise((resolve, reject) => {
    const signal = deadline(PROBE_MS)
    const sent = request({ port, host: '127.0.0.1', path, method, agent: false, signal })
    sent.on('error', reject)
    sent.on('response', (answer) => {
      let body = ''
      answer.setEncoding('latin1')
      answer.on('data', (text: string) => {
        body += text
      })
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode = 0, headers } = answer
        const reason = headers[REASON]?.toString()
        resolve({ status: statusCode, reason, retryAfter: headers['retry-after'], body })
      })
    })
    sent.end()
  })
}

/** A client without manners. */
export class Attacker {
  readonly socket: Socket
  text = ''
  closed = false

  constructor(port: number, localAddress?: string) {
    const from = localAddress === undefined ? {} : { localAddress }
    this.socket = connect({ port, host: '127.0.0.1', ...from })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      if (this.text.length < 1_000) this.text += text
    })
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('end', () => this.#over())
    this.socket.on('close', () => this.#over())
  }

  #over(): void {
    this.closed = true
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.text)?.[1] ?? 0)
  }

  say(text: string): void {
    if (!this.closed) this.socket.write(text, 'latin1')
  }
}

/** Many of them; all leave when the test is over. */
export function crowd(port: number, count: number): readonly Attacker[] {
  const attackers = Array.from({ length: count }, () => new Attacker(port))
  onTestFinished(() => {
    for (const { socket } of attackers) socket.destroy()
  })
  return attackers
}

/** Where a server was listening a moment ago. */
export async function gonePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
