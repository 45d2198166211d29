/** One HTTP request through a Unix socket, whatever address it leads to. */
import { type IncomingHttpHeaders, request } from 'node:http'

const TIMEOUT_MS = 10_000

export interface SocketFetch {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

export interface SocketResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export function socketFetch(
  socketPath: string,
  url: string,
  init: SocketFetch = {},
): Promise<SocketResponse> {
  const { host, pathname, search } = new URL(url)
  const { method = 'GET', body, headers = {}, timeoutMs = TIMEOUT_MS } = init
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(new Error(`Cannot ${method} ${url}: ${cause.message}`, { cause }))
    }
    const signal = AbortSignal.timeout(timeoutMs)
    const path = pathname + search
    const options = {
      socketPath,
      method,
      path,
      headers: { host, ...headers },
      signal,
      agent: false,
    }
    const sent = request(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    sent.on('error', fail)
    sent.end(body)
  })
}
