/** Ours with each of its rules switched off, beside ours as it is, under the same requests. */
import { RULES } from '../../../proxy/config.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Stand } from '../peers/stand.ts'
import { type Contest, contest, type Entry, type Length, type Programs } from './contest.ts'
import { ourEntry } from './entries.ts'
import type { Scenario } from './scenario.ts'

export const FLAG = '--rule-off'

/** More proxies of ours at once would be too much for a small machine. */
const AT_ONCE = 2

export interface Ablation {
  /** Each has ours as it is beside ours without some of the rules. */
  readonly contests: readonly Contest[]
  /** Rules that this build does not let go of, and what it said. */
  readonly refused: Readonly<Record<string, string>>
}

export async function ablation(
  stand: Stand,
  programs: Programs,
  scenario: Scenario,
  length: Length,
): Promise<Ablation> {
  const refused: Record<string, string> = {}
  const without: Entry[] = []
  for (const rule of RULES) {
    const entry = ourEntry(stand, `without ${rule}`, [FLAG, rule])
    const trouble = await troubleWith(stand, entry)
    if (trouble === undefined) without.push(entry)
    else refused[rule] = trouble
  }
  const contests: Contest[] = []
  for (let at = 0; at < without.length; at += AT_ONCE) {
    const entries = [ourEntry(stand), ...without.slice(at, at + AT_ONCE)]
    contests.push(await contest(stand, programs, scenario, { entries, length }))
  }
  return { contests, refused }
}

async function troubleWith(stand: Stand, entry: Entry): Promise<string | undefined> {
  try {
    await stand.end(await entry([]))
    return undefined
  } catch (error) {
    return sentenceOf(error)
  }
}
