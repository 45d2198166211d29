/** How bytes are cut up on their way: a parser must read the same whatever arrives together. */
export type Mode = 'whole' | 'halves' | 'bytes'

export const modes: readonly Mode[] = ['whole', 'halves', 'bytes']

/** Long texts are cut into this many pieces: byte by byte they would take minutes. */
const PIECES_MAX = 1_000

export function piecesOf(text: string, mode: Mode): readonly string[] {
  if (text === '') return []
  if (mode === 'whole') return [text]
  const half = Math.max(1, text.length >> 1)
  const size = mode === 'halves' ? half : Math.ceil(text.length / PIECES_MAX)
  const pieces: string[] = []
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size))
  return pieces
}

/** Lets the event loop turn, so that what was written is read as a piece of its own. */
export async function turn(times = 1): Promise<void> {
  for (let left = times; left > 0; left -= 1) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
