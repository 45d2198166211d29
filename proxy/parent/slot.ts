import { after, type Clock } from '../../shared/clock.ts'
import { Backoff } from './backoff.ts'
import { type CarrierEnd, CarrierProcess, type CarrierProgram } from './carrier-process.ts'
import type { NoteFields, ToCarrier, ToParent } from './messages.ts'
import type { Sockets } from './sockets.ts'

export interface SlotParts {
  readonly number: number
  readonly program: CarrierProgram
  readonly sockets: Sockets
  readonly clock: Clock
  readonly ears: SlotEars
}

export interface SlotEars {
  ready(said: Extract<ToParent, { kind: 'ready' }>): void
  serving(slot: Slot): void
  /** Nobody carries in this slot, and starting another will not help: `gaveUp` is its own word. */
  lost(slot: Slot, end: CarrierEnd, gaveUp: boolean): void
  /** Every process of this slot has ended. */
  empty(): void
}

/** For so long the one that carries may take to tell what it has before another takes over. */
const TELL_MAX_MS = 10_000
/** For so long the one that is to take over may take until it is ready. */
const READY_MAX_MS = 60_000
const NOTES_MAX = 100

/** One place in which a carrier serves: who does, who is about to, and who still finishes. */
export class Slot {
  readonly number: number
  readonly #parts: SlotParts
  readonly #backoff: Backoff
  readonly #leavers = new Map<string, CarrierProcess>()
  /** What each that is leaving told last. */
  readonly #told = new Map<string, unknown>()
  readonly #notes: { message: string; fields: NoteFields }[] = []
  readonly #stopping = new AbortController()
  #current: CarrierProcess | undefined
  #next: CarrierProcess | undefined
  /** Who tells the master, also of those that are leaving. */
  #reporter: CarrierProcess | undefined
  #handingOver = false
  #again = false
  #born = 0
  #cancelDeadline: () => void = () => undefined

  constructor(parts: SlotParts) {
    this.number = parts.number
    this.#parts = parts
    this.#backoff = new Backoff(parts.clock)
  }

  get serves(): boolean {
    return this.#current !== undefined
  }

  get isEmpty(): boolean {
    return this.#all().length === 0
  }

  start(): void {
    this.#born += 1
    const id = `${this.number}.${this.#born}`
    this.#next = new CarrierProcess(id, this.#parts.program, {
      heard: (carrier, said) => this.#hear(carrier, said),
      ended: (carrier, end) => this.#ended(carrier, end),
    })
    // The first one may take its time: nobody waits in its place.
    if (this.serves) this.#within(READY_MAX_MS, 'it was not ready in time')
  }

  /** Starts another one, and lets it take over when it is ready. */
  takeOver(): void {
    if (this.#stopping.signal.aborted) return
    // One that is on its way began with what was on disk before.
    if (this.#next !== undefined) this.#again = true
    else if (this.serves) this.start()
  }

  stop(): void {
    this.#stopping.abort()
    this.#cancelDeadline()
    // It carries nothing yet.
    if (this.#next !== undefined && this.#reporter !== this.#next) this.#next.kill()
    for (const carrier of this.#all()) carrier.send({ kind: 'stop' })
    this.#tellWhenEmpty()
  }

  kill(): void {
    this.#stopping.abort()
    for (const carrier of this.#all()) carrier.kill()
  }

  note(message: string, fields: NoteFields): void {
    this.#notes.push({ message, fields: { ...fields, process: this.number } })
    if (this.#notes.length > NOTES_MAX) this.#notes.shift()
    this.#passNotes()
  }

  #hear(carrier: CarrierProcess, said: ToParent): void {
    const isNext = carrier === this.#next
    if (said.kind === 'hello') {
      carrier.send({ kind: 'begin', slot: this.number, succeeds: this.serves })
    } else if (said.kind === 'bind') {
      void this.#bind(carrier, said)
    } else if (said.kind === 'told') {
      this.#relay(carrier, said)
    } else if (said.kind === 'ready' && isNext) {
      this.#parts.ears.ready(said)
      this.#passNotes()
      this.#isReady(carrier)
    } else if (said.kind === 'serving' && isNext) {
      this.#serves(carrier)
    }
  }

  async #bind(carrier: CarrierProcess, wish: Extract<ToParent, { kind: 'bind' }>): Promise<void> {
    const { name } = wish
    const granted = await this.#parts.sockets.grant(wish, carrier.id)
    if (granted.kind === 'held') {
      const { handle, port } = granted.socket
      carrier.send({ kind: 'bound', name, port }, handle)
    } else if (granted.kind === 'failed') {
      carrier.send({ kind: 'unbound', name, code: granted.code })
    } else {
      carrier.send({ kind: 'unheld', name })
    }
  }

  /** It takes over at once, or when the one that carries has told what it has in flight. */
  #isReady(carrier: CarrierProcess): void {
    if (this.#current === undefined) {
      this.#give(carrier)
      return
    }
    this.#handingOver = true
    this.#within(TELL_MAX_MS, 'the one before it did not answer')
    this.#current.send({ kind: 'hand-over' })
  }

  #relay(carrier: CarrierProcess, { told, measured }: Extract<ToParent, { kind: 'told' }>): void {
    this.#told.set(carrier.id, told)
    const isFirst = this.#handingOver && this.#reporter === carrier
    if (isFirst && this.#next !== undefined) this.#give(this.#next)
    if (carrier === this.#reporter) return
    this.#reporter?.send({ kind: 'leaver', id: carrier.id, told, measured })
  }

  /** From here on there is one more that accepts, and another that reports. */
  #give(carrier: CarrierProcess): void {
    this.#reporter = carrier
    carrier.send({ kind: 'take', leavers: Object.fromEntries(this.#told) })
  }

  #serves(carrier: CarrierProcess): void {
    this.#cancelDeadline()
    const before = this.#current
    this.#current = carrier
    this.#next = undefined
    this.#handingOver = false
    this.#backoff.served()
    if (before !== undefined) {
      this.#leavers.set(before.id, before)
      before.send({ kind: 'release' })
    }
    this.#parts.ears.serving(this)
    if (this.#again) {
      this.#again = false
      this.takeOver()
    }
  }

  #ended(carrier: CarrierProcess, end: CarrierEnd): void {
    this.#parts.sockets.forget(carrier.id)
    this.#told.delete(carrier.id)
    if (carrier !== this.#reporter) this.#reporter?.send({ kind: 'gone', id: carrier.id })
    this.#leavers.delete(carrier.id)
    if (carrier === this.#next) this.#nextEnded(carrier, end)
    else if (carrier === this.#current) this.#currentEnded(carrier, end)
    this.#tellWhenEmpty()
  }

  #nextEnded(carrier: CarrierProcess, end: CarrierEnd): void {
    this.#cancelDeadline()
    this.#next = undefined
    this.#again = false
    if (this.#handingOver) this.#takeBack()
    if (this.#stopping.signal.aborted) return
    if (this.#current === undefined) this.#lost(carrier, end)
    else this.note('take-over failed, all is as before', { pid: carrier.pid, reason: end.reason })
  }

  #takeBack(): void {
    this.#handingOver = false
    this.#reporter = this.#current
    if (this.#current === undefined) return
    this.#told.delete(this.#current.id)
    this.#current.send({ kind: 'carry-on', leavers: Object.fromEntries(this.#told) })
  }

  #currentEnded(carrier: CarrierProcess, end: CarrierEnd): void {
    this.#current = undefined
    if (this.#reporter === carrier) this.#reporter = undefined
    if (this.#stopping.signal.aborted) return
    // One that is ready waits for what can be told no more; one that is not takes over once it is.
    if (this.#next !== undefined) {
      if (this.#handingOver && this.#reporter !== this.#next) this.#give(this.#next)
      this.#handingOver = false
      this.note('carrier ended', { pid: carrier.pid, reason: end.reason })
    } else {
      this.#lost(carrier, end)
    }
  }

  #lost(carrier: CarrierProcess, end: CarrierEnd): void {
    this.#reporter = undefined
    this.note('carrier ended', { pid: carrier.pid, reason: end.reason })
    this.#parts.ears.lost(this, end, carrier.gaveUp)
  }

  /** Starts another one after a pause that grows with each that dies early. */
  async startAgain(): Promise<void> {
    await this.#backoff.wait(this.#stopping.signal)
    if (!this.#stopping.signal.aborted) this.start()
  }

  #within(ms: number, reason: string): void {
    this.#cancelDeadline()
    this.#cancelDeadline = after(ms, () => {
      this.note('take-over given up', { reason })
      this.#next?.kill()
    })
  }

  #passNotes(): void {
    const carrier = [this.#reporter, this.#current, this.#next].find((one) => one?.isReady === true)
    if (carrier === undefined) return
    for (const note of this.#notes.splice(0)) {
      const words: ToCarrier = { kind: 'note', ...note }
      carrier.send(words)
    }
  }

  #all(): readonly CarrierProcess[] {
    const carriers = [this.#current, this.#next, ...this.#leavers.values()]
    return carriers.filter((carrier) => carrier !== undefined)
  }

  #tellWhenEmpty(): void {
    if (this.#stopping.signal.aborted && this.isEmpty) this.#parts.ears.empty()
  }
}
