import type { IncomingMessage } from 'node:http'
import { after } from '../../shared/clock.ts'
import type { UnderWay } from './connections.ts'

/** What came of reading the body of an envelope. */
export type EnvelopeText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'late' }
  | { readonly kind: 'broken' }
  /** Its client left. */
  | { readonly kind: 'cut' }

export const ENVELOPE_BYTES_MAX = 1_000_000

/** The body of an envelope, read to its end, or to where it is too long or too late. */
export class EnvelopeReading implements UnderWay {
  /** Never rejects. */
  readonly end: Promise<EnvelopeText>
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #settle: (text: EnvelopeText) => void = () => undefined

  constructor(request: IncomingMessage, totalTimeoutMs: number) {
    const late = (): void => this.#settle({ kind: 'late' })
    const cancel = after(totalTimeoutMs, late)
    this.end = new Promise((resolve) => {
      this.#settle = (text) => {
        cancel()
        request.off('timeout', late)
        resolve(text)
      }
    })
    request.on('timeout', late)
    request.on('data', (chunk: Buffer) => this.#take(chunk))
    request.on('end', () => {
      this.#settle({ kind: 'text', text: Buffer.concat(this.#chunks).toString() })
    })
  }

  gone(): void {
    this.#settle({ kind: 'cut' })
  }

  broken(): boolean {
    this.#settle({ kind: 'broken' })
    return true
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes <= ENVELOPE_BYTES_MAX) this.#chunks.push(chunk)
    else this.#settle({ kind: 'too-large' })
  }
}
