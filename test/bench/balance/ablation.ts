/** Ours without some of its rules, beside ours as it is, under the same requests. */
import { sentenceOf } from '../../../shared/errors.ts'
import type { Stand } from '../peers/stand.ts'
import { type Contest, contest, type Entry, type Length, type Programs } from './contest.ts'
import { ourEntry } from './entries.ts'
import { joiningEntry } from './joining-entry.ts'
import type { Trial } from './scenario.ts'

export const FLAG = '--rule-off'

export interface Ablation {
  readonly contest: Contest
  /** Rules that this build does not let go of, and what it said. */
  readonly refused: Readonly<Record<string, string>>
}

export async function ablation(
  stand: Stand,
  programs: Programs,
  trial: Trial,
  length: Length,
): Promise<Ablation> {
  const { first } = trial
  const entry = (name?: string, flags: readonly string[] = []): Entry =>
    first === undefined ? ourEntry(stand, name, flags) : joiningEntry(stand, { first, name, flags })
  const refused: Record<string, string> = {}
  const entries = [entry()]
  for (const rule of trial.rules) {
    const trouble = await troubleWith(stand, rule)
    if (trouble === undefined) entries.push(entry(`without ${rule}`, [FLAG, rule]))
    else refused[rule] = trouble
  }
  return { contest: await contest(stand, programs, trial, { entries, length }), refused }
}

async function troubleWith(stand: Stand, rule: string): Promise<string | undefined> {
  try {
    await stand.end(await ourEntry(stand, rule, [FLAG, rule])([]))
    return undefined
  } catch (error) {
    return sentenceOf(error)
  }
}
