/** How late requests are when one replica is slow or stalls, through each proxy at once. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/program.ts'
import { ablation } from './balance/ablation.ts'
import { type Contest, contest, type Length, type Programs } from './balance/contest.ts'
import { curvePlot } from './balance/curve-plot.ts'
import { ourEntry, peerEntries } from './balance/entries.ts'
import { balanceFigures, figureNames } from './balance/figures.ts'
import { type Outcome, packed, type Summary, summary } from './balance/outcome.ts'
import {
  type Comparison,
  comparisons,
  OBJECTIVE_MS,
  RULE_OFF,
  type Trial,
  trials,
} from './balance/scenario.ts'
import { summaryTable } from './balance/summary-table.ts'
import { oursHelp } from './peers/ours.ts'
import { onStand, type Stand } from './peers/stand.ts'
import { provideTools } from './peers/tools.ts'
import { attempt, joined, type Part } from './proxy/part.ts'
import { publish, readFlags } from './report.ts'

const SEED = 1
/** From here on the latencies say more of the machine than of the proxies. */
const LATENESS_MAX_MS = 5
const PLOTS = join(ROOT, 'docs/plots')

interface Pace {
  readonly stalls: { readonly everyMs: number; readonly forMs: number }
  readonly lengths: Readonly<Record<Comparison['name'], Length>>
  readonly ablation: Length | undefined
}

const FULL: Pace = {
  stalls: { everyMs: 30_000, forMs: 2_000 },
  lengths: {
    slow: { seed: SEED, warmSeconds: 10, seconds: 90 },
    stall: { seed: SEED, warmSeconds: 10, seconds: 150 },
  },
  ablation: { seed: SEED, warmSeconds: 8, seconds: 60 },
}

const QUICK: Pace = {
  stalls: { everyMs: 7_500, forMs: 2_000 },
  lengths: {
    slow: { seed: SEED, warmSeconds: 2, seconds: 14 },
    stall: { seed: SEED, warmSeconds: 2, seconds: 15 },
  },
  ablation: undefined,
}

const flags = readFlags(process.argv.slice(2))
const pace = flags.quick ? QUICK : FULL
const missing = await provideTools(['gcc', 'libc6-dev'])
const { figures, notes, runs } = await onStand(measured)
publish({ bench: 'balance', seed: SEED, figures, notes, runs }, flags)

async function measured(stand: Stand): Promise<Part> {
  const replica = await stand.compile('replica')
  const programs: Programs = { replica, arrivals: await stand.compile('arrivals') }
  const parts: Part[] = []
  for (const scenario of comparisons(SEED, pace.stalls)) {
    const names = figureNames(scenario.name)
    parts.push(await attempt(names, () => compared(stand, programs, scenario)))
  }
  for (const trial of trials(SEED, pace.stalls)) {
    const names = [`ablation.${trial.name}`]
    parts.push(await attempt(names, () => ablated(stand, programs, trial)))
  }
  return joined(parts)
}

async function compared(stand: Stand, programs: Programs, scenario: Comparison): Promise<Part> {
  const { name } = scenario
  console.error(`${name}: ours and its peers`)
  const entries = [ourEntry(stand), ...peerEntries(stand, missing)]
  const length = pace.lengths[name]
  const { outcomes, lateness } = await contest(stand, programs, scenario, { entries, length })
  const summaries = outcomes.map((outcome) => summary(outcome, OBJECTIVE_MS))
  console.log(summaryTable(name, summaries))
  if (!flags.quick) draw(scenario, outcomes)
  return joined([
    balanceFigures(name, summaries),
    {
      figures: { [`generator_late_ms_p99.${name}`]: lateness.p99 },
      notes: { [`generator_late_ms_p99.${name}`]: described(lateness) },
      runs: raw(name, summaries, outcomes),
    },
  ])
}

async function ablated(stand: Stand, programs: Programs, trial: Trial): Promise<Part> {
  const name = `ablation.${trial.name}`
  const reason = await noAblation(stand)
  if (reason !== undefined || pace.ablation === undefined) {
    return { figures: {}, notes: { [name]: reason ?? 'in a full run only' }, runs: {} }
  }
  console.error(`${trial.name}: ours, ${trial.variants.map((variant) => variant.name).join(', ')}`)
  const { contest, refused } = await ablation(stand, programs, trial, pace.ablation)
  const summaries = contest.outcomes.map((outcome) => summary(outcome, OBJECTIVE_MS))
  console.log(summaryTable(trial.name, summaries))
  const notes = Object.entries(refused).map(([rule, said]) => [`${name}.${rule}`, said])
  return { figures: {}, notes: Object.fromEntries(notes), runs: { [name]: summaries } }
}

async function noAblation(stand: Stand): Promise<string | undefined> {
  if (pace.ablation === undefined) return 'in a full run only'
  const canGo = (await oursHelp(stand)).includes(RULE_OFF)
  return canGo ? undefined : 'no rule of this build can be switched off'
}

function described({ p50, p99, max }: Contest['lateness']): string {
  const busy = p99 > LATENESS_MAX_MS ? '; the machine was too busy for this load' : ''
  return `median ${p50}, most ${max}${busy}`
}

/** Latencies in hundredths of a millisecond, in the order of the requests; -1: failed. */
function raw(
  name: string,
  summaries: readonly Summary[],
  outcomes: readonly Outcome[],
): Part['runs'] {
  const samples = Object.fromEntries(outcomes.map((outcome) => [outcome.proxy, packed(outcome)]))
  return { [name]: { summaries, samples } }
}

function draw({ name, perSecond }: Comparison, outcomes: readonly Outcome[]): void {
  const what = name === 'slow' ? 'one of ten replicas three times slower' : 'one of ten stalls'
  const title = `Latency with ${what}, ${Math.round(perSecond)} requests/s through each proxy`
  mkdirSync(PLOTS, { recursive: true })
  const plot = curvePlot(outcomes, { title, objectiveMs: OBJECTIVE_MS })
  writeFileSync(join(PLOTS, `balance-${name}.svg`), plot)
}
