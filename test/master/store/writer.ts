/**
 * A process that appends and prints each revision only after it was acknowledged:
 * `node writer.js DIRECTORY COUNT [IN_FLIGHT]`. A rejected append is tried again.
 */
import { writeSync } from 'node:fs'
import { openEmbeddedStore } from '../../../master/store/embedded/embedded.ts'
import { StoreUnavailable } from '../../../master/store/store.ts'
import { writtenChange } from './changes.ts'

const [directory = '', count = '0', inFlight = '1'] = process.argv.slice(2)
const store = await openEmbeddedStore(directory)
const { epoch } = await persist(() => store.lead())
const { revision: start } = await persist(() => store.head())
say(`start ${start} epoch ${epoch}`)
const end = start + Number(count)
for (let revision = start; revision < end; ) {
  const appends = Array.from({ length: Math.min(Number(inFlight), end - revision) }, (_, at) =>
    appendAfter(revision + at),
  )
  await Promise.all(appends)
  revision = (await persist(() => store.head())).revision
}
await store.close()
say('closed')

async function appendAfter(revision: number): Promise<void> {
  const change = writtenChange(revision + 1)
  await store.append(epoch, revision, [change]).then(acknowledged, rejected)
}

function acknowledged(revision: number): void {
  say(`acknowledged ${revision}`)
}

function rejected(error: unknown): void {
  if (!(error instanceof Error)) throw error
  say(`rejected ${error instanceof StoreUnavailable ? error.code : error.name}`)
}

async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      rejected(error)
      if (!(error instanceof StoreUnavailable) || error.code === 'STORE_STOPPED') throw error
    }
  }
}

/** At once and unbuffered: what was printed was acknowledged before. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}
