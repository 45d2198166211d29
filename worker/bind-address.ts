/** Which address of this machine replicas listen on. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { invalid, sentenceOf } from '../shared/errors.ts'
import { isLoopback } from '../shared/loopback.ts'

const LOOPBACK = '127.0.0.1'

/** Never all addresses unless that was asked for: a replica is open where it is meant to be only. */
export async function bindAddressOf(advertised: string, asked?: string): Promise<string> {
  if (asked !== undefined) return asked
  if (isLoopback(advertised)) return LOOPBACK
  const address = await resolve(advertised)
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  if (own.some((each) => each.address === address)) return address
  const remedy = 'name the one that replicas shall listen on with --bind'
  throw invalid(`Cannot run replicas on ${advertised}: it is no address of this machine; ${remedy}`)
}

async function resolve(host: string): Promise<string> {
  const bare = host.replace(/^::ffff:/i, '')
  if (isIP(bare) !== 0) return bare
  try {
    return (await lookup(bare)).address
  } catch (error) {
    throw invalid(`Cannot run replicas on ${host}: ${sentenceOf(error)}`)
  }
}
