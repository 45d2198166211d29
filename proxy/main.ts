import { helpOf } from '../shared/config.ts'
import { sentenceOf } from '../shared/errors.ts'
import { openLog } from '../shared/log-knobs.ts'
import { proxyKnobs, readProxyConfig } from './config.ts'
import { start } from './start.ts'

const HELP = `Carries the traffic of the services to their replicas, and measures it.

Usage: orchestrify proxy [options]

${helpOf(proxyKnobs)}
`

async function run(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(HELP)
    return
  }
  const config = readProxyConfig({ argv, environment: process.env })
  const { log, setLevel, close } = openLog('proxy', config)
  const proxy = await start({ config, log, setLogLevel: setLevel })
  await Promise.race([signalled(), proxy.refused])
  // Whoever asks a second time does not want to wait.
  signalled().then(() => process.exit(1))
  await proxy.close()
  await close()
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}

run(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${sentenceOf(error)}\n`)
    process.exit(1)
  },
)
