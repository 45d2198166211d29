import { type Answering, type Stream, StreamMux } from '../../shared/stream-mux.ts'

/** Two ends in one process; what one sends waits until the test delivers it. */
export class Wire {
  readonly toWorker: Uint8Array[] = []
  readonly toMaster: Uint8Array[] = []
  readonly opened: { request: unknown; stream: Answering }[] = []
  readonly closed: string[] = []
  /** How many messages a direction holds before its sender must wait. */
  room = 4
  readonly master: StreamMux
  readonly worker: StreamMux

  constructor(streamsMax?: number) {
    const most = streamsMax === undefined ? {} : { streamsMax }
    this.master = new StreamMux({ port: this.#port(this.toWorker), ...most })
    this.worker = new StreamMux({
      port: this.#port(this.toMaster),
      onOpen: (request, stream) => {
        stream.accept()
        this.opened.push({ request, stream })
      },
      ...most,
    })
  }

  #port(queue: Uint8Array[]) {
    const room = (): boolean => queue.length < this.room
    return {
      send: (bytes: Uint8Array) => {
        queue.push(bytes)
      },
      get isWritable() {
        return room()
      },
      close: (reason: string) => {
        this.closed.push(reason)
      },
    }
  }

  /** Delivers one message of a direction. */
  deliver(to: 'worker' | 'master'): boolean {
    const message = (to === 'worker' ? this.toWorker : this.toMaster).shift()
    if (message === undefined) return false
    if (to === 'worker') this.worker.receive(message)
    else this.master.receive(message)
    const sender = to === 'worker' ? this.master : this.worker
    sender.flush()
    return true
  }

  /** Delivers everything, as long as anything comes. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const moved = [this.deliver('worker'), this.deliver('master')].includes(true)
      idle = moved ? 0 : idle + 1
      await turn()
    }
  }

  async open(request: unknown = {}): Promise<{ near: Stream; far: Answering }> {
    const near = this.master.open(request)
    await this.settle()
    await near.opened
    const far = this.opened.at(-1)?.stream
    if (far === undefined) throw new Error('nothing was opened')
    return { near, far }
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
