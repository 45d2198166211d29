import type { EventEmitter } from 'node:events'

interface Writer extends EventEmitter {
  readonly destroyed: boolean
  readonly writableNeedDrain: boolean
}

/** Waits until more may be written, or never will be. */
export async function drained(writer: Writer): Promise<void> {
  if (writer.destroyed || !writer.writableNeedDrain) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      writer.off('drain', done)
      writer.off('close', done)
      resolve()
    }
    writer.on('drain', done)
    writer.on('close', done)
  })
}
