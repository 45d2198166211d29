/** Heads of requests as the world's clients send them. */
import { ASKING, type Asking, SOCKETS } from './realistic-askings.ts'
import { CLIENTS } from './realistic-clients.ts'
import type { Client } from './realistic-tools.ts'

export interface RealisticHead {
  readonly client: string
  readonly text: string
  /** Header lines. */
  readonly count: number
}

/** Every client asking for everything that its version of the protocol knows. */
export function realisticHeads(): readonly RealisticHead[] {
  return CLIENTS.flatMap((client) =>
    [...ASKING, ...SOCKETS]
      .filter((asking) => isPossible(client, asking))
      .map((asking) => {
        return headOf(client, asking)
      }),
  )
}

function isPossible({ version }: Client, { lines }: Asking): boolean {
  return version !== 'HTTP/1.0' || !lines.some((line) => line.startsWith('Transfer-Encoding'))
}

function headOf(client: Client, { method, target, host, lines }: Asking): RealisticHead {
  const all = [...client.lines]
  all.splice(client.hostAt ?? 0, 0, `Host: ${host}`)
  all.push(...lines)
  const first = `${method} ${target} ${client.version ?? 'HTTP/1.1'}`
  const text = `${[first, ...all].join('\r\n')}\r\n\r\n`
  return { client: client.name, text, count: all.length }
}
