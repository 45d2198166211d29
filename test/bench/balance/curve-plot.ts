/** Latency by percentile as a picture: one line per proxy, both axes logarithmic. */
import { ascending, type Outcome, percentile } from './outcome.ts'

export interface PlotText {
  readonly title: string
  readonly objectiveMs: number
}

const WIDTH = 760
const HEIGHT = 420
const LEFT = 64
const RIGHT = 190
const TOP = 40
const BOTTOM = 48
const PERCENTILES = [50, 75, 90, 95, 99, 99.5, 99.9, 99.95]
const STEPS = 120
const COLOURS = ['#c2185b', '#1565c0', '#2e7d32', '#ef6c00', '#6a1b9a', '#00838f', '#5d4037']
const FONT = 'font-family="sans-serif" font-size="12" fill="#333"'

export function curvePlot(outcomes: readonly Outcome[], text: PlotText): string {
  const lines = outcomes.map(({ proxy, latenciesMs }) => ({
    proxy,
    sorted: ascending(latenciesMs),
  }))
  const highest = Math.max(
    text.objectiveMs,
    ...lines.map(({ sorted }) => finite(percentile(sorted, last(PERCENTILES)))),
  )
  const lowest = Math.min(
    text.objectiveMs,
    ...lines.map(({ sorted }) => finite(percentile(sorted, 50))),
  )
  const y = scale(Math.log(lowest * 0.9), Math.log(highest * 1.1), HEIGHT - BOTTOM, TOP)
  const x = scale(rarity(50), rarity(last(PERCENTILES)), LEFT, WIDTH - RIGHT)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<title>${escaped(text.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" ${FONT} font-weight="bold">${escaped(text.title)}</text>`,
    ...PERCENTILES.map((percent) => upright(x(rarity(percent)), `p${percent}`)),
    ...ticks(lowest, highest).map((ms) => level(y(Math.log(ms)), `${ms} ms`, '#e0e0e0')),
    level(y(Math.log(text.objectiveMs)), '', '#999'),
    ...lines.map(({ sorted }, at) => curve(sorted, at, x, y)),
    ...lines.map(({ proxy }, at) => legend(proxy, at)),
    '</svg>',
    '',
  ].join('\n')
}

type Scale = (value: number) => number

function scale(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from || 1)) * (end - start)
}

/** Equal steps from 90 to 99 and from 99 to 99.9. */
function rarity(percent: number): number {
  return -Math.log10(1 - percent / 100)
}

function curve(sorted: readonly number[], at: number, x: Scale, y: Scale): string {
  const points: string[] = []
  for (let step = 0; step <= STEPS; step += 1) {
    const place = rarity(50) + (step / STEPS) * (rarity(last(PERCENTILES)) - rarity(50))
    const ms = percentile(sorted, 100 * (1 - 10 ** -place))
    if (Number.isFinite(ms)) points.push(`${x(place).toFixed(1)},${y(Math.log(ms)).toFixed(1)}`)
  }
  const colour = COLOURS[at % COLOURS.length]
  const width = at === 0 ? 2.5 : 1.5
  return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="${width}"/>`
}

function legend(proxy: string, at: number): string {
  const x = WIDTH - RIGHT + 16
  const y = TOP + 12 + at * 20
  const colour = COLOURS[at % COLOURS.length]
  const line = `<line x1="${x}" x2="${x + 20}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"/>`
  return `${line}<text x="${x + 26}" y="${y}" ${FONT}>${escaped(proxy)}</text>`
}

function upright(x: number, label: string): string {
  const at = x.toFixed(1)
  const line = `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#eee"/>`
  const y = HEIGHT - BOTTOM + 18
  return `${line}<text x="${at}" y="${y}" text-anchor="middle" ${FONT}>${label}</text>`
}

function level(y: number, label: string, colour: string): string {
  const at = y.toFixed(1)
  const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="${colour}"/>`
  return `${line}<text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end" ${FONT}>${label}</text>`
}

function ticks(lowest: number, highest: number): readonly number[] {
  const all = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
  return all.filter((ms) => ms >= lowest * 0.9 && ms <= highest * 1.1)
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

function last(values: readonly number[]): number {
  return values.at(-1) ?? 0
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
