#!/usr/bin/env node
import { helpOf, readConfig } from '../shared/config.ts'
import { RequestError, sentenceOf } from '../shared/errors.ts'
import { openLog } from '../shared/log-knobs.ts'
import { type WorkerConfig, workerKnobs } from './config.ts'
import { runWorker } from './start.ts'

const argv = process.argv.slice(2)
const leaving = new AbortController()

if (argv.includes('--help')) {
  process.stdout.write(`orchestrify worker --master-ip URL\n\n${helpOf(workerKnobs)}\n`)
} else {
  try {
    await serve(readConfig(workerKnobs, { argv, environment: process.env }))
  } catch (error) {
    const isSentence = error instanceof RequestError
    const told = isSentence || !(error instanceof Error) ? sentenceOf(error) : error.stack
    process.stderr.write(`${told}\n`)
    process.exitCode = 1
  }
}

async function serve(config: WorkerConfig): Promise<void> {
  const { log, setLevel, close } = openLog('worker', config)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, leave)
  try {
    await runWorker(config, {
      ...{ environment: process.env, log, leave: leaving.signal },
      setLogLevel: setLevel,
    })
  } finally {
    await close()
  }
}

/** The first signal leaves in good order, the second at once. */
function leave(): void {
  if (leaving.signal.aborted) process.exit(0)
  leaving.abort()
}
