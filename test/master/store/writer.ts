/**
 * A process that appends and prints each revision only after it was acknowledged:
 * `node writer.js DIRECTORY COUNT [IN_FLIGHT]`. The first line says where it starts.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedStore } from '../../../master/store/embedded/embedded-store.ts'
import { changeNumber } from './changes.ts'

const [directory = '', count = '0', inFlight = '1'] = process.argv.slice(2)
const store = await openEmbeddedStore(directory)
const { epoch } = await store.lead()
const { revision: start } = await store.head()
say(`start ${start} epoch ${epoch}`)
const end = start + Number(count)
for (let revision = start; revision < end; ) {
  const appends = Array.from({ length: Math.min(Number(inFlight), end - revision) }, (_, at) =>
    store.append(epoch, revision + at, [changeNumber(revision + at + 1)]).then(acknowledged),
  )
  await Promise.all(appends)
  revision += appends.length
}
await store.close()
say('closed')

function acknowledged(revision: number): void {
  say(`acknowledged ${revision}`)
}

/** At once and unbuffered: what was printed was acknowledged before. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}
