import type { IncomingMessage } from 'node:http'
import { after } from '../../shared/clock.ts'

/** What came of reading the body of an envelope. */
export type EnvelopeText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'late' }
  /** Its client left. */
  | { readonly kind: 'cut' }

export const ENVELOPE_BYTES_MAX = 1_000_000

/** Reads the body to its end, or to where it is too long or too late; never rejects. */
export function readEnvelope(request: IncomingMessage, totalTimeoutMs: number): Promise<EnvelopeText> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const late = (): void => settle({ kind: 'late' })
    const cancel = after(totalTimeoutMs, late)
    const settle = (text: EnvelopeText): void => {
      cancel()
      request.off('timeout', late)
      resolve(text)
    }
    request.on('timeout', late)
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= ENVELOPE_BYTES_MAX) chunks.push(chunk)
      else settle({ kind: 'too-large' })
    })
    request.on('end', () => settle({ kind: 'text', text: Buffer.concat(chunks).toString() }))
    request.on('error', () => settle({ kind: 'cut' }))
    request.on('close', () => settle({ kind: 'cut' }))
  })
}
