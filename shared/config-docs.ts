/** Knobs as text: a Markdown table for the documentation, defaults for `--help`. */
import type { Knob } from './knob.ts'

const HEADINGS = ['Flag', 'Environment', 'Key in a file', 'Default', 'Unit', 'Meaning']

/** One row for each knob; older names of a key follow it. */
export function knobTable(knobs: Readonly<Record<string, Knob<unknown>>>): string {
  const rows = Object.values(knobs).map((knob) => [
    code(knob.repeatable ? `--${knob.flag} …` : `--${knob.flag}`),
    code(knob.env),
    [knob.key, ...knob.aliases.map(({ key }) => key)].map(code).join(', '),
    shownDefault(knob) === '' ? '' : code(shownDefault(knob)),
    knob.unit,
    knob.meaning,
  ])
  const lines = [HEADINGS, HEADINGS.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

/** The default as a user would write it; empty when there is none. */
export function shownDefault(knob: Knob<unknown>): string {
  const { fallback, fallbackShown } = knob
  if (fallbackShown !== undefined) return fallbackShown
  if (fallback === undefined || knob.secret) return ''
  if (knob.unit === 'duration' && typeof fallback === 'number') return shownDuration(fallback)
  return Array.isArray(fallback) ? fallback.join(',') : String(fallback)
}

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const

function shownDuration(ms: number): string {
  const found = UNITS.find((unit) => ms >= unit.ms && ms % unit.ms === 0)
  return found === undefined ? `${ms}ms` : `${ms / found.ms}${found.unit}`
}

function code(text: string): string {
  return `\`${text}\``
}

/** A bar would end the cell, also inside code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
