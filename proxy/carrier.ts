import { helpOf } from '../shared/config.ts'
import { sentenceOf } from '../shared/errors.ts'
import { openLog } from '../shared/log-knobs.ts'
import { bindPlaces, configOfSlot } from './carrier-places.ts'
import { Carrying } from './carrying.ts'
import { proxyKnobs, readProxyConfig } from './config.ts'
import { ParentLine } from './parent-line.ts'
import { prepare } from './start.ts'

const HELP = `Carries the traffic of the services to their replicas, and measures it.

Usage: orchestrify proxy [options]

SIGTERM and SIGINT let requests under way finish, a second one does not wait. SIGUSR2 starts the
program on disk anew and lets it take over: no connection is refused, no request is cut.

${helpOf(proxyKnobs)}
`

const line = new ParentLine()

async function run(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(HELP)
    return
  }
  if (!line.isConnected) throw new Error('Cannot carry traffic: the proxy starts this by itself')
  const given = readProxyConfig({ argv, environment: process.env })
  const began = line.next('begin')
  void line.send({ kind: 'hello' })
  const { slot, succeeds } = await began
  const config = configOfSlot(given, slot)
  const { log, setLevel, close } = openLog('proxy', config)
  const carrying = new Carrying(line, log)
  const places = await bindPlaces(line, config, slot)
  const { leavers } = carrying
  const prepared = await prepare({ config, log, setLogLevel: setLevel, places, leavers, succeeds })
  await carrying.carry(prepared, config)
  await close()
}

// Signals are the parent's to hear. It may be gone, and whoever then asks twice does not want to wait.
let asked = 0
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (line.isConnected) return
    asked += 1
    if (asked > 1) process.exit(1)
  })
}
process.on('SIGUSR2', () => undefined)

run(process.argv.slice(2)).then(
  () => process.exit(0),
  async (error) => {
    process.stderr.write(`${sentenceOf(error)}\n`)
    await line.send({ kind: 'cannot' })
    process.exit(1)
  },
)
