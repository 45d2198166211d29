const SHORT = 8

/** The form people type: 8 characters, or as many more as it takes to tell the ids apart. */
export function shortId(id: string, among: readonly string[] = []): string {
  let length = Math.min(SHORT, id.length)
  while (length < id.length && among.some((other) => collides(id, other, length))) length += 1
  return id.slice(0, length)
}

function collides(id: string, other: string, length: number): boolean {
  return other !== id && other.startsWith(id.slice(0, length))
}
