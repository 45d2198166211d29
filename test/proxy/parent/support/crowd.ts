/** Clients that never ask twice: whatever goes wrong with one request is counted. */
import { Agent, get } from 'node:http'

export interface CrowdOptions {
  readonly url: string
  readonly clients: number
  /** One connection for all requests of a client, or a new one for each. */
  readonly keepAlive: boolean
}

export class Crowd {
  readonly failures: string[] = []
  answers = 0
  /** Connections that the proxy asked to end. */
  closes = 0
  readonly #options: CrowdOptions
  readonly #clients: Promise<void>[]
  #over = false

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#clients = Array.from({ length: options.clients }, (_, at) => this.#run(at))
  }

  async stop(): Promise<void> {
    this.#over = true
    await Promise.all(this.#clients)
  }

  async #run(client: number): Promise<void> {
    const { url, keepAlive } = this.#options
    const agent = new Agent({ keepAlive, maxSockets: 1 })
    for (let round = 0; !this.#over; round += 1) {
      const want = `?${client}-${round}`
      const got = await ask(`${url}${want}`, agent)
      if (got.text === want) this.answers += 1
      else this.failures.push(got.text)
      if (got.closed) this.closes += 1
    }
    agent.destroy()
  }
}

interface Got {
  /** What came, if all of it did; else what went wrong. */
  readonly text: string
  readonly closed: boolean
}

function ask(url: string, agent: Agent): Promise<Got> {
  return new Promise((resolve) => {
    const failed = (what: string): void => resolve({ text: what, closed: false })
    const request = get(url, { agent, timeout: 20_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', (error) => failed(`the answer broke off: ${error.message}`))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const closed = response.headers.connection === 'close'
        const whole = response.complete && response.statusCode === 200
        resolve({ text: whole ? text : `${response.statusCode} ${text}`, closed })
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', (error) => failed(error.message))
  })
}
