/** Requests at a steady rate, each counted with how it ended. */
import { Agent, request } from 'node:http'

export interface Answer {
  readonly atMs: number
  readonly tookMs: number
  /** 0 when the connection failed. */
  readonly status: number
  readonly replica: string
  readonly error?: string
}

export class Load {
  readonly answers: Answer[] = []
  readonly #url: URL
  readonly #socketPath: string | undefined
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 200 })
  readonly #timer: NodeJS.Timeout
  readonly #open = new Set<Promise<void>>()

  /** With a socket, the requests go through it, whatever the URL's host. */
  constructor(url: string, perSecond: number, socketPath?: string) {
    this.#url = new URL(url)
    this.#socketPath = socketPath
    this.#timer = setInterval(() => this.#send(), 1000 / perSecond)
  }

  get failed(): readonly Answer[] {
    return this.answers.filter((answer) => answer.status !== 200)
  }

  get replicas(): ReadonlySet<string> {
    return new Set(this.answers.map((answer) => answer.replica))
  }

  since(atMs: number): readonly Answer[] {
    return this.answers.filter((answer) => answer.atMs >= atMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    this.#agent.destroy()
  }

  #send(): void {
    const atMs = Date.now()
    const sent = this.#once().then((end) => {
      this.answers.push({ atMs, tookMs: Date.now() - atMs, ...end })
      this.#open.delete(sent)
    })
    this.#open.add(sent)
  }

  #once(): Promise<{ status: number; replica: string; error?: string }> {
    return new Promise((resolve) => {
      const options = { agent: this.#agent, timeout: 30_000, socketPath: this.#socketPath }
      const sent = request(this.#url, options, (response) => {
        const end = {
          status: response.statusCode ?? 0,
          replica: String(response.headers['x-replica']),
        }
        response.resume()
        response.on('end', () => resolve(end))
        response.on('error', (error) => resolve({ ...end, status: 0, error: String(error) }))
      })
      sent.on('timeout', () => sent.destroy(new Error('timeout')))
      sent.on('error', (error) => resolve({ status: 0, replica: '', error: String(error) }))
      sent.end()
    })
  }
}
