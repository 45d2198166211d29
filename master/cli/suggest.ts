const DISTANCE_MAX = 3

/** The known word that the given one was most likely meant to be. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const near = known
    .map((word) => ({ word, distance: distanceOf(given, word) }))
    .filter(({ word, distance }) => distance <= Math.min(DISTANCE_MAX, word.length - 1))
    .sort((a, b) => a.distance - b.distance)
  return near[0]?.word ?? known.find((word) => given.length > 2 && word.startsWith(given))
}

export function didYouMean(given: string, known: readonly string[]): string {
  const found = closest(given, known)
  return found === undefined ? '' : `; did you mean "${found}"?`
}

/** How many letters must be put in, left out or changed. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
