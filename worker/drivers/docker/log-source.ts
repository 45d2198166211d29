/** The output of a container as the engine keeps it. */
import type { IncomingMessage } from 'node:http'
import { startDeadline } from '../../../shared/call-deadline.ts'
import type { Engine } from './engine.ts'
import { openFrom } from './engine-get.ts'
import { unframed } from './frames.ts'

export interface LogQuery {
  readonly follow: boolean
  readonly timestamps: boolean
  readonly tail: number | 'all'
  readonly since?: string
}

/** Reading it costs little, but finding the last lines of much may take a while. */
const OPEN_DEADLINE_MS = 30_000

export async function openLogs(
  engine: Engine,
  container: string,
  asked: LogQuery,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const query = { ...asked, stdout: true, stderr: true }
  const path = `/containers/${container}/logs`
  return await engine.stream(
    'show output',
    (docker, abortSignal) => openFrom(docker, path, { abortSignal, query }),
    { signal, deadlineMs: OPEN_DEADLINE_MS },
  )
}

const LAST_LINE_DEADLINE_MS = 2_000
const LAST_LINE_BYTES_MAX = 65_536

/** What it printed last, if that is kept and found soon enough. */
export async function lastLineOf(engine: Engine, container: string): Promise<string | undefined> {
  const limit = startDeadline(LAST_LINE_DEADLINE_MS)
  const query = { follow: false, timestamps: false, tail: 1 }
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    const stream = await openLogs(engine, container, query, limit.signal)
    for await (const piece of unframed(stream)) {
      pieces.push(piece.bytes)
      bytes += piece.bytes.length
      if (bytes > LAST_LINE_BYTES_MAX) break
    }
  } catch {
    // Its end has a reason without it: some log drivers keep nothing that could be read.
    return undefined
  } finally {
    limit.stop()
  }
  return Buffer.concat(pieces).toString('utf8')
}
