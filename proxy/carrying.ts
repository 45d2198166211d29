import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ProxyConfig } from './config.ts'
import { Leavers } from './decide/leavers.ts'
import type { ToCarrier } from './parent/messages.ts'
import type { ParentLine } from './parent-line.ts'
import type { RunningProxy } from './running-proxy.ts'
import { leaverStateSchema, measuredSchema, parseOr } from './schemas.ts'
import type { PreparedProxy } from './start.ts'

type Ending = 'stop' | 'release'

/** A carrier's life as its parent wants it: serve, hand over, leave or stop. */
export class Carrying {
  readonly leavers = new Leavers()
  readonly #line: ParentLine
  readonly #log: Log
  #proxy: RunningProxy | undefined
  #isStopping = false
  #end: (how: Ending) => void = () => undefined
  readonly #ending: Promise<Ending>

  constructor(line: ParentLine, log: Log) {
    this.#line = line
    this.#log = log
    this.#ending = new Promise((resolve) => {
      this.#end = resolve
    })
    line.hear({ message: (message) => this.#hear(message), lost: () => this.#isLost() })
  }

  /** Serves once it is its turn; resolves when nothing is left to do, rejects when it may not go on. */
  async carry(
    prepared: PreparedProxy,
    { processes, stopGraceMs }: Pick<ProxyConfig, 'processes' | 'stopGraceMs'>,
  ): Promise<void> {
    const turn = this.#line.next('take')
    void this.#line.send({ kind: 'ready', processes, stopGraceMs })
    this.#hearAll((await turn).leavers)
    const proxy = await prepared.serve()
    this.#proxy = proxy
    void this.#line.send({ kind: 'serving' })
    const how = await Promise.race([this.#ending, proxy.refused])
    await (how === 'stop' ? proxy.close() : proxy.leave())
  }

  #hear(message: ToCarrier): void {
    switch (message.kind) {
      case 'leaver':
        this.#hearLeaver(message.id, message.told, message.measured)
        break
      case 'gone':
        this.leavers.gone(message.id)
        this.#proxy?.ring()
        break
      case 'hand-over':
        void this.#handOver()
        break
      case 'carry-on':
        this.leavers.clear()
        this.#hearAll(message.leavers)
        this.#proxy?.carryOn()
        break
      case 'release':
        this.#end('release')
        break
      case 'stop':
        this.#stop()
        break
      case 'note':
        this.#log.warn(message.message, message.fields)
        break
    }
  }

  #stop(): void {
    this.#isStopping = true
    this.#end('stop')
    void this.#proxy?.hurry()
  }

  /** Without its parent it lets go of its places, and finishes what it has. */
  #isLost(): void {
    // Nobody waits for one that was about to end, and nothing depends on one that does not serve.
    if (this.#isStopping || this.#proxy === undefined) process.exit(1)
    this.#log.warn('parent process is gone, finishing what is under way')
    this.#proxy.orphan()
    this.#stop()
  }

  async #handOver(): Promise<void> {
    await this.#proxy?.handOver((told, measured) => {
      void this.#line.send({ kind: 'told', told, measured })
    })
  }

  #hearAll(leavers: Readonly<Record<string, unknown>>): void {
    for (const [id, told] of Object.entries(leavers)) this.#hearLeaver(id, told, [])
  }

  /** It may be of another version: what cannot be read leaves what was known before. */
  #hearLeaver(id: string, told: unknown, measured: unknown): void {
    try {
      this.leavers.hear(id, parseOr(leaverStateSchema, told))
      this.leavers.count(parseOr(measuredSchema, measured))
    } catch (error) {
      this.#log.warn('a process that leaves is not understood', { reason: sentenceOf(error) })
    }
    this.#proxy?.ring()
  }
}
