/** How soon a slow service gets its next replica, and what the idle programs weigh. */
import type { Arena } from './arena.ts'
import { openDockerArena } from './docker-arena.ts'
import { processArena } from './process-arena.ts'
import { median, publish, readFlags } from './report.ts'

interface Run {
  readonly reactionMs: number
  readonly startMs: number
}

const argv = process.argv.slice(2)
const flags = readFlags(argv)
const driver = argv.includes('--driver') ? argv[argv.indexOf('--driver') + 1] : 'process'
if (driver !== 'docker' && driver !== 'process') {
  throw new Error('Cannot measure: --driver takes docker or process')
}
const arena: Arena = driver === 'docker' ? await openDockerArena() : processArena
try {
  const weights = await arena.weigh(flags.quick)
  const runs: Run[] = []
  for (let round = 0; round < (flags.quick ? 3 : 15); round += 1) {
    runs.push({ startMs: await arena.bareStart(), reactionMs: await arena.react() })
  }
  const lags = runs.map(({ reactionMs, startMs }) => reactionMs - startMs)
  const figures = {
    reaction_minus_start_ms_p50: median(lags),
    bare_start_ms_p50: median(runs.map(({ startMs }) => startMs)),
    samples: runs.length,
    ...weights,
  }
  const notes = Object.fromEntries(
    Object.entries(arena.notes).filter(([name]) => typeof weights[name] !== 'number'),
  )
  const bench = driver === 'docker' ? 'reaction-docker' : 'reaction'
  publish({ bench, seed: 0, figures, notes, runs }, flags)
} finally {
  await arena.close()
}
