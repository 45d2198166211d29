import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../shared/clock.ts'
import { Parent } from './parent/parent.ts'
import { releasedFile } from './parent/released-file.ts'

// Settings, log and traffic are the carriers' business: this process stays small, and as it is
// while newer versions of all the rest take over.
const carrier = fileURLToPath(new URL(`./carrier${extname(import.meta.url)}`, import.meta.url))
const [, startedAs = carrier, ...argv] = process.argv
const parent = new Parent({
  program: { file: releasedFile(startedAs, carrier), argv },
  clock: systemClock,
  say: (sentence) => void process.stderr.write(`${sentence}\n`),
})

function stop(): void {
  parent.stop()
  // Whoever asks a second time does not want to wait.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => parent.kill())
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
process.on('SIGUSR2', () => parent.takeOver())
parent.start()
parent.ended.then((code) => process.exit(code))
