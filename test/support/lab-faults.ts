/** What can happen to the machines of a lab; every fault has its undo. */
import type { LabHost, LabPlace } from './lab-host.ts'

type Verb = (verb: string, ...words: readonly string[]) => Promise<void>

export interface Delay {
  readonly jitterMs?: number
  /** Of the packets in each direction. */
  readonly lossPercent?: number
}

export class LabFaults {
  readonly #run: Verb

  constructor(run: Verb) {
    this.#run = run
  }

  /** Pulls the cable: packets vanish. */
  cut(place: LabPlace): Promise<void> {
    return this.#run('cut', place.name)
  }

  heal(place: LabPlace): Promise<void> {
    return this.#run('heal', place.name)
  }

  /** These two cannot see each other, all others can. */
  part(a: LabPlace, b: LabPlace): Promise<void> {
    return this.#run('part', a.name, b.name)
  }

  unpart(a: LabPlace, b: LabPlace): Promise<void> {
    return this.#run('unpart', a.name, b.name)
  }

  /** The whole machine stands still: connections open, nobody answers. */
  freeze(host: LabHost): Promise<void> {
    return this.#run('freeze', host.name)
  }

  thaw(host: LabHost): Promise<void> {
    return this.#run('thaw', host.name)
  }

  /** Power loss: its processes and its network are gone, its disk stays. */
  kill(host: LabHost): Promise<void> {
    return this.#run('kill', host.name)
  }

  /** Boots after a power loss; the engine comes up with its old data. */
  start(host: LabHost): Promise<void> {
    return this.#run('start', host.name)
  }

  /** In good order: without --live-restore its containers stop, too. */
  stopEngine(host: LabHost): Promise<void> {
    return this.#run('stop-engine', host.name)
  }

  /** It crashes; its containers go on. */
  killEngine(host: LabHost): Promise<void> {
    return this.#run('kill-engine', host.name)
  }

  startEngine(host: LabHost): Promise<void> {
    return this.#run('start-engine', host.name)
  }

  /** It accepts connections and answers none; its containers go on. */
  hangEngine(host: LabHost): Promise<void> {
    return this.#run('hang-engine', host.name)
  }

  resumeEngine(host: LabHost): Promise<void> {
    return this.#run('resume-engine', host.name)
  }

  /** Holds each packet back, in both directions. */
  delay(place: LabPlace, ms: number, { jitterMs = 0, lossPercent = 0 }: Delay = {}): Promise<void> {
    return this.#run('delay', place.name, String(ms), String(jitterMs), String(lossPercent))
  }

  undelay(place: LabPlace): Promise<void> {
    return this.#run('undelay', place.name)
  }

  /** In the words of tc: `8mbit`. */
  rate(place: LabPlace, limit: string): Promise<void> {
    return this.#run('rate', place.name, limit)
  }

  unrate(place: LabPlace): Promise<void> {
    return this.#run('unrate', place.name)
  }

  /** Leaves no room on the disk of a host that was made with one. */
  fill(host: LabHost): Promise<void> {
    return this.#run('fill', host.name)
  }

  drain(host: LabHost): Promise<void> {
    return this.#run('drain', host.name)
  }
}
