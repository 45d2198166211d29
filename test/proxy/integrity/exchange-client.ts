import { connect, type Socket } from 'node:net'
import { after, systemClock } from '../../../shared/clock.ts'
import { AnswerReader } from './answer-reader.ts'
import { drained } from './drained.ts'
import { type Batch, type Body, type Plan, targetOf } from './plan.ts'
import { type Seeded, SOURCE } from './seeded.ts'

const PIECE_MAX = 65_536
const SLOW_MS = 2
/** Nothing may hang: what takes this long is called wrong. */
const PATIENCE_MS = 20_000

/** One client that goes through batches on kept connections and says what went wrong. */
export class ExchangeClient {
  readonly wrong: string[] = []
  whole = 0
  cut = 0
  left = 0
  reused = 0
  readonly #port: number
  readonly #random: Seeded
  #socket: Socket | undefined
  #received: Buffer[] = []
  #closed = false
  #wake: () => void = () => undefined

  constructor(port: number, random: Seeded) {
    this.#port = port
    this.#random = random
  }

  async run(batch: Batch): Promise<void> {
    if (this.#socket === undefined) this.#open()
    else this.reused += 1
    const readers = batch.map(({ down }) => new AnswerReader(down.offset))
    const [plan] = batch
    if (plan === undefined) return
    const hearing = this.#hear(batch, readers)
    await this.#send(batch)
    await hearing
    for (const [at, one] of batch.entries()) this.#judge(one, readers[at] ?? new AnswerReader(0))
    const keeps = readers.every(({ isDone, keepsConnection }) => isDone && keepsConnection)
    if (!keeps || this.#closed) this.close()
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #open(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.#closed = false
    this.#received = []
    socket.on('data', (bytes: Buffer) => {
      this.#received.push(bytes)
      this.#wake()
    })
    socket.on('error', () => socket.destroy())
    const close = (): void => {
      if (this.#socket === socket) this.#closed = true
      this.#wake()
    }
    socket.on('end', close)
    socket.on('close', close)
  }

  async #send(batch: Batch): Promise<void> {
    const [plan] = batch
    if (batch.length === 1 && plan?.up !== undefined) return this.#sendBody(plan, plan.up)
    this.#socket?.write(batch.map((one) => `${headOf(one)}\r\n`).join(''))
  }

  async #sendBody(plan: Plan, up: Body): Promise<void> {
    const framing = up.chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${up.size}`
    this.#socket?.write(`${headOf(plan)}${framing}\r\n\r\n`)
    const leavesAfter = leavingPoint(plan, 'sending')
    const end = up.offset + (leavesAfter ?? up.size)
    for (let at = up.offset; at < end && !this.#closed; ) {
      const next = Math.min(end, at + this.#random.scaled(1, PIECE_MAX))
      await this.#write(SOURCE.subarray(at, next), up.chunked)
      if (plan.slowWriter) await systemClock.sleep(SLOW_MS)
      at = next
    }
    if (leavesAfter !== undefined) this.#leave()
    else if (up.chunked && !this.#closed) this.#socket?.write('0\r\n\r\n')
  }

  async #write(bytes: Buffer, chunked: boolean): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    if (chunked) socket.write(`${bytes.length.toString(16)}\r\n`)
    let more = socket.write(bytes)
    if (chunked) more = socket.write('\r\n')
    if (!more) await drained(socket)
  }

  /** Reads until all answers are there, or the connection is over. */
  async #hear(batch: Batch, readers: readonly AnswerReader[]): Promise<void> {
    const [plan] = batch
    const leavesAfter = plan === undefined ? undefined : leavingPoint(plan, 'hearing')
    let late = false
    const cancel = after(PATIENCE_MS, () => {
      late = true
      this.#wake()
    })
    for (let at = 0; at < readers.length && !late; ) {
      const bytes = this.#received.shift()
      if (bytes === undefined) {
        if (this.#closed) break
        await this.#news()
        continue
      }
      at = this.#feed(bytes, readers, at)
      const [heard] = readers
      if (leavesAfter !== undefined && heard !== undefined && heard.size >= leavesAfter) {
        this.#leave()
        break
      }
      if (plan?.slowReader === true) await this.#dawdle()
    }
    cancel()
    if (late) this.wrong.push(`${plan === undefined ? '' : targetOf(plan)}: nothing ended it`)
  }

  #feed(bytes: Buffer, readers: readonly AnswerReader[], from: number): number {
    let rest = bytes
    let at = from
    while (rest.length > 0 && at < readers.length) {
      const reader = readers[at]
      rest = rest.subarray(reader?.take(rest) ?? 0)
      if (reader?.isDone === true) at += 1
      else if (rest.length > 0) break
    }
    if (rest.length > 0) this.wrong.push(`${rest.length} bytes that belong to no answer`)
    return at
  }

  async #dawdle(): Promise<void> {
    this.#socket?.pause()
    await systemClock.sleep(SLOW_MS)
    this.#socket?.resume()
  }

  #leave(): void {
    if (this.#random.chance(0.5)) this.#socket?.resetAndDestroy()
    else this.#socket?.destroy()
    this.#closed = true
    this.#wake()
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #judge(plan: Plan, reader: AnswerReader): void {
    const { fault } = plan
    const tell = (what: string): void => {
      this.wrong.push(`${targetOf(plan)} (${JSON.stringify(fault)}): ${what}`)
    }
    const complete = reader.isDone && reader.status === 200
    if (reader.wrong !== '') tell(reader.wrong)
    else if (complete && reader.size !== plan.down.size) tell(`${reader.size} bytes as a whole`)
    else if (fault.kind === 'client-leaves') {
      this.left += 1
    } else if (fault.kind === 'replica-cuts') {
      this.cut += 1
      if (complete) tell('the cut answer looks whole')
      else if (reader.isDone && reader.status !== 502) tell(`status ${reader.status}`)
    } else if (complete) this.whole += 1
    else tell(`status ${reader.status}, done ${reader.isDone}, ${reader.size} bytes`)
  }
}

function headOf(plan: Plan): string {
  const { up } = plan
  return `${up === undefined ? 'GET' : 'POST'} ${targetOf(plan)} HTTP/1.1\r\nHost: t\r\n`
}

function leavingPoint({ fault }: Plan, when: 'sending' | 'hearing'): number | undefined {
  return fault.kind === 'client-leaves' && fault.when === when ? fault.after : undefined
}
