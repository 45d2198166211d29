/** The form every bench reports in: figures with their raw runs, as JSON and as a table. */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

export interface BenchReport {
  readonly bench: string
  readonly seed: number
  /** Null when it could not be measured; `notes` says why. */
  readonly figures: Readonly<Record<string, number | null>>
  readonly notes: Readonly<Record<string, string>>
  readonly runs: unknown
}

export interface BenchFlags {
  readonly quick: boolean
  readonly json?: string
}

export function readFlags(argv: readonly string[]): BenchFlags {
  const at = argv.indexOf('--json')
  const json = at < 0 ? undefined : argv[at + 1]
  if (at >= 0 && json === undefined) throw new Error('Cannot write the report: --json needs a file')
  return { quick: argv.includes('--quick'), ...(json === undefined ? {} : { json }) }
}

export function publish(report: BenchReport, flags: BenchFlags): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
  const about = {
    bench: report.bench,
    machine,
    node: process.version,
    at: new Date().toISOString(),
  }
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify({ ...about, ...report }, undefined, 2)}\n`)
  }
  for (const [name, value] of Object.entries(report.figures)) {
    const shown = value === null ? 'not measured' : String(Math.round(value * 100) / 100)
    console.log(`${name.padEnd(36)}${shown.padStart(12)}   ${report.notes[name] ?? ''}`)
  }
}

export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  const other = sorted[Math.ceil((sorted.length - 1) / 2)]
  return middle === undefined || other === undefined ? null : (middle + other) / 2
}
