import { isBlank, isWord, textOf } from './bytes.ts'
import { isHopByHop, KNOWN, kindOf, mayBeNamed } from './header-names.ts'

/** What `Connection` says, as bits. */
export const CLOSES = 1
export const STAYS = 2
export const UPGRADES = 4
/** It lists headers that are of this connection alone. */
export const NAMES = 8
/** It lists more than anyone needs. */
export const CROWDED = 16

const COMMA = 44
const OPTIONS_MAX = 32

export function optionsOf(bytes: Buffer, from: number, to: number): number {
  if (isWord(bytes, from, to, 'keep-alive')) return STAYS
  if (isWord(bytes, from, to, 'close')) return CLOSES
  let options = 0
  let at = from
  for (let count = 0; at < to; count += 1) {
    if (count === OPTIONS_MAX) return CROWDED
    const end = endOfOption(bytes, at, to)
    options |= optionOf(bytes, at, end)
    at = end + 1
  }
  return options
}

/** The header lines of one message, as far as this needs them. */
export interface Lines {
  readonly count: number
  readonly fields: Int32Array
  readonly kinds: Uint8Array
}

/** Marks the headers that `Connection` lists; false when it lists too many. */
export function markNamed(bytes: Buffer, lines: Lines): boolean {
  const { count, fields, kinds } = lines
  const names = listed(bytes, lines)
  if (names.size > OPTIONS_MAX) return false
  for (let index = 0; index < count; index += 1) {
    const name = textOf(bytes, fields[4 * index] ?? 0, fields[4 * index + 1] ?? 0)
    if (names.has(name.toLowerCase()) && mayBeNamed(kinds[index] ?? 0)) kinds[index] = KNOWN.named
  }
  return true
}

/** Not much more than may be listed. */
function listed(bytes: Buffer, { count, fields, kinds }: Lines): ReadonlySet<string> {
  const names = new Set<string>()
  for (let index = 0; index < count && names.size <= OPTIONS_MAX; index += 1) {
    if (kinds[index] !== KNOWN.connection) continue
    const value = textOf(bytes, fields[4 * index + 2] ?? 0, fields[4 * index + 3] ?? 0)
    for (const name of value.toLowerCase().split(',')) names.add(name.trim())
  }
  return names
}

function endOfOption(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== COMMA) at += 1
  return at
}

function optionOf(bytes: Buffer, start: number, end: number): number {
  let from = start
  let to = end
  while (from < to && isBlank(bytes[from])) from += 1
  while (to > from && isBlank(bytes[to - 1])) to -= 1
  if (to === from) return 0
  if (isWord(bytes, from, to, 'keep-alive')) return STAYS
  if (isWord(bytes, from, to, 'close')) return CLOSES
  if (isWord(bytes, from, to, 'upgrade')) return UPGRADES
  return isHopByHop(kindOf(bytes, from, to)) ? 0 : NAMES
}
