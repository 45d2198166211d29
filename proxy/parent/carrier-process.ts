import { type ChildProcess, fork, type SendHandle } from 'node:child_process'
import { parseToParent, type ToCarrier, type ToParent } from './messages.ts'

export interface CarrierEnd {
  /** What the parent itself would end with: a death by a signal is no code of the program's. */
  readonly code: number
  readonly reason: string
}

export interface CarrierEars {
  heard(carrier: CarrierProcess, said: ToParent): void
  ended(carrier: CarrierProcess, end: CarrierEnd): void
}

export interface CarrierProgram {
  /** Asked anew for each process: a newer version may lie elsewhere. */
  readonly file: () => string
  readonly argv: readonly string[]
}

/**
 * What requests leave behind dies young: more room for it costs memory and gains nothing. What was
 * kept for a while by mistake is looked for before it is as much again as what is alive.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=2', '--heap-growing-percent=40']
const SIGNAL_CODE = 1

/** A child process that carries traffic. */
export class CarrierProcess {
  readonly id: string
  /** It said that it cannot go on: it has not crashed. */
  gaveUp = false
  /** It is ready, and has a log. */
  isReady = false
  readonly #child: ChildProcess

  constructor(id: string, program: CarrierProgram, ears: CarrierEars) {
    this.id = id
    // Its output is the parent's own: the parent reads nothing, and nothing is lost when it dies.
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
    const execArgv = [...process.execArgv, ...MEMORY_FLAGS]
    this.#child = fork(program.file(), [...program.argv], { stdio: [...stdio], execArgv })
    this.#child.on('message', (raw) => this.#hear(raw, ears))
    let over = false
    const end = (reason: string, code: number): void => {
      if (over) return
      over = true
      ears.ended(this, { reason, code })
    }
    this.#child.once('exit', (code, signal) => {
      if (signal !== null) end(`it was ended by ${signal}`, SIGNAL_CODE)
      else end(`it ended with ${code}`, code ?? SIGNAL_CODE)
    })
    this.#child.on('error', (error) => {
      // A signal or a word that could not be delivered is an error here, too.
      if (this.#child.pid === undefined) end(`it could not be started: ${error.message}`, 1)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What cannot be delivered is of no use to anybody: the end of the process follows. */
  send(message: ToCarrier, handle?: unknown): void {
    if (!this.#child.connected) return
    this.#child.send(message, sendable(handle), {}, () => undefined)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #hear(raw: unknown, ears: CarrierEars): void {
    const said = parseToParent(raw)
    if (said === undefined) return
    if (said.kind === 'ready') this.isReady = true
    if (said.kind === 'cannot') this.gaveUp = true
    ears.heard(this, said)
  }
}

/** Node takes its own handles too, as its cluster module sends them; its types do not say so. */
function sendable(handle: unknown): SendHandle | undefined {
  return handle === undefined ? undefined : (handle as SendHandle)
}
