import type { Random } from './random.ts'

/** What a run has found. A disagreement is input that this proxy accepts and node reads otherwise. */
export interface Outcome {
  readonly tried: number
  readonly accepted: number
  readonly disagreements: readonly string[]
}

/** Undefined: refused by this proxy. Empty: accepted by both, in the same way. */
export type Verdict = string | undefined

export interface Subject {
  readonly name: string
  generate(random: Random): Buffer
  judge(bytes: Buffer, random: Random): Verdict
}

const DISAGREEMENTS_MAX = 20

export function run(subject: Subject, count: number, random: Random): Outcome {
  const disagreements: string[] = []
  let accepted = 0
  let tried = 0
  while (tried < count && disagreements.length < DISAGREEMENTS_MAX) {
    tried += 1
    const bytes = subject.generate(random)
    const verdict = subject.judge(bytes, random)
    if (verdict !== undefined) accepted += 1
    if (verdict) disagreements.push(`${verdict}: ${shown(bytes)}`)
  }
  return { tried, accepted, disagreements }
}

const SHOWN_BYTES = 600

function shown(bytes: Buffer): string {
  const more = bytes.length > SHOWN_BYTES ? '…' : ''
  return `${JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES))}${more}`
}

/** The first difference, in words; empty when there is none. */
export function difference(
  pairs: readonly (readonly [what: string, ours: unknown, theirs: unknown])[],
): string {
  for (const [what, ours, theirs] of pairs) {
    const [one, other] = [JSON.stringify(ours), JSON.stringify(theirs)]
    if (one !== other) return `${what}: ${one} here, ${other} there`
  }
  return ''
}
