import type { IncomingMessage } from 'node:http'

/** What came of reading the body of an envelope. */
export type EnvelopeText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too-large' }
  /** Its client left, or fell silent. */
  | { readonly kind: 'cut' }

export const ENVELOPE_BYTES_MAX = 1_000_000

/** Reads the body to its end, or to where it is too long; never rejects. */
export function readEnvelope(request: IncomingMessage): Promise<EnvelopeText> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= ENVELOPE_BYTES_MAX) chunks.push(chunk)
      else resolve({ kind: 'too-large' })
    })
    request.on('end', () => resolve({ kind: 'text', text: Buffer.concat(chunks).toString() }))
    request.on('error', () => resolve({ kind: 'cut' }))
    request.on('close', () => resolve({ kind: 'cut' }))
  })
}
