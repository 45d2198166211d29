import { timeOf } from '../ages.ts'
import type { Screen } from '../screen.ts'
import { printable } from '../table.ts'
import { sparkline } from './sparkline.ts'
import type { Picture } from './watch.ts'

export interface Moment {
  readonly phase: string
  readonly elapsedMs: number
  readonly picture: Picture
  readonly objectiveMs: number
}

/** The whole picture, drawn anew on a terminal. */
export function frame(moment: Moment, screen: Pick<Screen, 'paint'>): readonly string[] {
  const { picture, objectiveMs, phase } = moment
  const values = picture.samples.map(({ percentileMs }) => percentileMs)
  const latest = picture.samples.at(-1)
  const over = (latest?.percentileMs ?? 0) > objectiveMs
  const p95 = screen.paint(over ? 'bad' : 'good', milliseconds(latest?.percentileMs))
  const rates = picture.samples.map(({ perSecond }) => perSecond)
  const rateTop = Math.max(1, ...rates.map((rate) => rate ?? 0))
  const perSecond = latest?.perSecond === undefined ? '-' : `${Math.round(latest.perSecond)}/s`
  return [
    `${screen.paint('bold', 'orchestrify demo')}  ${seconds(moment.elapsedMs)}  ${phase}`,
    '',
    `p95       ${sparkline(values, 2 * objectiveMs)}  ${p95} (objective ${objectiveMs} ms = ▅)`,
    `requests  ${sparkline(rates, rateTop)}  ${perSecond}`,
    ...nodeLines(picture).map(([name, dots]) => `${name.padEnd(9)} ${dots}`),
    '',
    ...picture.lines.map(printable),
  ]
}

/** One line for logs and pipes. */
export function line({ phase, elapsedMs, picture, objectiveMs }: Moment): string {
  const values = picture.samples.slice(-20).map(({ percentileMs }) => percentileMs)
  const latest = picture.samples.at(-1)
  const where = nodeLines(picture).map(([name, dots]) => `${name} ${dots.length}`)
  const p95 = `p95 ${milliseconds(latest?.percentileMs)} ${sparkline(values, 2 * objectiveMs)}`
  return `${seconds(elapsedMs)}  ${phase}  ${p95}  ${where.join(', ')}`
}

export function told(sentence: string, atMs: number): string {
  return `${timeOf(atMs)}  ${printable(sentence)}`
}

/** One sign per replica: full when it serves. */
function nodeLines({ nodes, replicas }: Picture): readonly (readonly [string, string])[] {
  return nodes.map((name) => {
    const here = replicas.filter(({ nodeName }) => nodeName === name)
    return [name, here.map(({ state }) => (state === 'serving' ? '●' : '○')).join('')] as const
  })
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)} ms`
}

function seconds(ms: number): string {
  return `${String(Math.floor(ms / 1000)).padStart(2)} s`
}
