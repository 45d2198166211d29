/** Ours without some of its rules, beside ours as it is, under the same requests. */
import { sentenceOf } from '../../../shared/errors.ts'
import type { Stand } from '../peers/stand.ts'
import { type Contest, contest, type Entry, type Length, type Programs } from './contest.ts'
import { ourEntry } from './entries.ts'
import { OURS } from './figures.ts'
import { joiningEntry } from './joining-entry.ts'
import type { Trial, Variant } from './scenario.ts'

export interface Ablation {
  readonly contest: Contest
  /** Variants that this build does not know, and what it said. */
  readonly refused: Readonly<Record<string, string>>
}

export async function ablation(
  stand: Stand,
  programs: Programs,
  trial: Trial,
  length: Length,
): Promise<Ablation> {
  const { first } = trial
  const entry = ({ name, flags }: Variant): Entry =>
    first === undefined ? ourEntry(stand, name, flags) : joiningEntry(stand, { first, name, flags })
  const refused: Record<string, string> = {}
  const entries = [entry({ name: OURS, flags: [] })]
  for (const variant of trial.variants) {
    const trouble = await troubleWith(stand, variant)
    if (trouble === undefined) entries.push(entry(variant))
    else refused[variant.name] = trouble
  }
  return { contest: await contest(stand, programs, trial, { entries, length }), refused }
}

async function troubleWith(stand: Stand, { name, flags }: Variant): Promise<string | undefined> {
  try {
    await stand.end(await ourEntry(stand, name, flags)([]))
    return undefined
  } catch (error) {
    return sentenceOf(error)
  }
}
