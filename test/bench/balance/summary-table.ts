/** For people: one line per proxy. */
import type { Summary } from './outcome.ts'

const NAME_WIDTH = 26
const WIDTH = 10

export function summaryTable(title: string, summaries: readonly Summary[]): string {
  const header = ['requests', 'failed', 'late %', 'p50 ms', 'p95 ms', 'p99 ms', 'p99.9 ms']
  const rows = summaries.map((s) => {
    const times = [s.p50Ms, s.p95Ms, s.p99Ms, s.p999Ms].map((ms) => ms.toFixed(1))
    return line(s.proxy, [String(s.requests), String(s.failed), s.latePercent.toFixed(2), ...times])
  })
  return [line(title, header), ...rows, ''].join('\n')
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(WIDTH)).join('')
}
