import { after, type Clock } from '../../shared/clock.ts'
import type { CarrierEnd, CarrierProgram } from './carrier-process.ts'
import type { Hold } from './held-socket.ts'
import { Slot, type SlotEars } from './slot.ts'
import { Sockets } from './sockets.ts'

export interface ParentParts {
  readonly program: CarrierProgram
  readonly clock: Clock
  readonly hold?: Hold
  /** Takes the one sentence that nobody else can say: why there is no carrier. */
  readonly say: (sentence: string) => void
}

/** What carriers may take for their own end is theirs; whoever takes longer hangs. */
const STOP_MARGIN_MS = 10_000
const PROCESSES_MAX = 64

/** Owns the listening sockets and keeps carriers running that serve from them. */
export class Parent {
  /** The code to end with, once every carrier has ended. */
  readonly ended: Promise<number>
  readonly #parts: ParentParts
  readonly #sockets: Sockets
  readonly #slots: Slot[] = []
  #resolve: (code: number) => void = () => undefined
  #code = 0
  #stopGraceMs = 0
  /** Whether one was ever about to serve: what ends later may come back. */
  #everReady = false
  #stopping = false

  constructor(parts: ParentParts) {
    this.#parts = parts
    this.#sockets = new Sockets(parts.hold)
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  start(): void {
    this.#add()
  }

  /** Another carrier, perhaps of a newer version, takes over in each slot. */
  takeOver(): void {
    for (const slot of this.#slots) slot.takeOver()
  }

  /** Carriers finish what is under way, within the grace that they know of. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    after(this.#stopGraceMs + STOP_MARGIN_MS, () => this.#killAll())
    for (const slot of this.#slots) slot.stop()
  }

  /** Nobody waits any more. */
  kill(): void {
    this.#code = 1
    this.stop()
    this.#killAll()
  }

  #add(): void {
    const { program, clock } = this.#parts
    const number = this.#slots.length + 1
    const slot = new Slot({ number, program, sockets: this.#sockets, clock, ears: this.#ears })
    this.#slots.push(slot)
    slot.start()
  }

  readonly #ears: SlotEars = {
    ready: ({ processes, stopGraceMs }) => {
      this.#everReady = true
      this.#stopGraceMs = stopGraceMs
      const wanted = Math.min(processes, PROCESSES_MAX)
      while (!this.#stopping && this.#slots.length < wanted) this.#add()
    },
    serving: () => void this.#sockets.sweep(),
    lost: (slot, end, gaveUp) => this.#lost(slot, end, gaveUp),
    empty: () => {
      if (this.#slots.every((slot) => slot.isEmpty)) this.#resolve(this.#code)
    },
  }

  /** What was told to end for a reason would end again, and so would what never began. */
  #lost(slot: Slot, end: CarrierEnd, gaveUp: boolean): void {
    const isFinal = gaveUp ? !this.#slots.some((one) => one.serves) : !this.#everReady
    if (isFinal) {
      if (!gaveUp && end.code !== 0) this.#parts.say(`Cannot carry traffic: ${end.reason}`)
      this.#code = end.code
      this.stop()
    } else {
      void slot.startAgain()
    }
  }

  #killAll(): void {
    for (const slot of this.#slots) slot.kill()
  }
}
