/** What this process holds, engine, clients and replicas together. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { turn } from './pieces.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes that are held after everything that can be freed is freed. */
export async function heldBytes(): Promise<number> {
  await turn(2)
  collect()
  await turn(2)
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Open connections of this process, either side of each. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}
