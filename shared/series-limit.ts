/** Remembers which combinations of labels a metric has, and refuses the ones beyond its limit. */
export class SeriesLimit {
  readonly #seen = new Set<string>()
  readonly #seriesMax: number

  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax
  }

  admits(labels: Readonly<Record<string, string>>): boolean {
    const key = keyOf(labels)
    if (this.#seen.has(key)) return true
    if (this.#seen.size >= this.#seriesMax) return false
    this.#seen.add(key)
    return true
  }

  forget(labels: Readonly<Record<string, string>>): void {
    this.#seen.delete(keyOf(labels))
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort()
  return JSON.stringify(names.map((name) => [name, labels[name]]))
}
