import type { LogLineView } from '../../shared/api.ts'
import { shortId } from './ids.ts'
import type { Screen, Tone } from './screen.ts'

export interface LogStyle {
  readonly json: boolean
  readonly timestamps: boolean
  /** Whether each line says which replica it is of. */
  readonly prefix: boolean
}

/** Where the lines go: it says when it has had enough for now. */
export interface Sink {
  readonly isTTY?: boolean
  write(text: string): boolean
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

const TONES: readonly Tone[] = ['good', 'warn', 'bold', 'dim']
// biome-ignore lint/suspicious/noControlCharactersInRegex: Colours begin with one, tabs are one.
const HARMLESS = /\u001b\[[\d;]*m|\t/

/** Prints the lines of several replicas, each with its own colour. */
export class LogPrinter {
  readonly #sink: Sink
  readonly #screen: Pick<Screen, 'paint'>
  readonly #style: LogStyle
  readonly #ids: string[] = []

  constructor(sink: Sink, screen: Pick<Screen, 'paint'>, style: LogStyle) {
    this.#sink = sink
    this.#screen = screen
    this.#style = style
  }

  /** Resolves when the sink wants more: a reader that stops stops the output where it is. */
  async print(line: LogLineView, signal: AbortSignal): Promise<void> {
    const text = this.#style.json ? JSON.stringify(line) : this.#shown(line)
    if (!this.#sink.write(`${text}\n`)) await this.#drained(signal)
  }

  label(replica: string): string {
    if (!this.#ids.includes(replica)) this.#ids.push(replica)
    const tone = TONES[this.#ids.indexOf(replica) % TONES.length] ?? 'good'
    return this.#screen.paint(tone, shortId(replica, this.#ids))
  }

  #shown({ replica, atMs, text }: LogLineView): string {
    const { prefix, timestamps } = this.#style
    return [
      ...(prefix ? [this.label(replica)] : []),
      ...(timestamps ? [atMs === undefined ? '-' : new Date(atMs).toISOString()] : []),
      this.#sink.isTTY === true ? harmless(text) : text,
    ].join(prefix ? '  ' : ' ')
  }

  async #drained(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#sink.off('drain', done)
        this.#sink.off('close', done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#sink.once('drain', done)
      this.#sink.once('close', done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }
}

/** Colours are welcome on a terminal, whatever else steers it is not. */
function harmless(text: string): string {
  return text
    .split(new RegExp(`(${HARMLESS.source})`))
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/\p{Cc}/gu, '?')))
    .join('')
}
