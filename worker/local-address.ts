import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'

/**
 * The address of this machine from which it reaches the master: where proxies find its replicas,
 * also when the master sees a gateway between. Undefined when there is no way to the master now.
 */
export async function localAddressTowards(url: string): Promise<string | undefined> {
  const { hostname, port } = new URL(url)
  try {
    const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''))
    return await sourceOf(address, family, Number(port) || 1)
  } catch {
    // The master will use the address that it sees.
    return undefined
  }
}

/** Connecting a datagram socket sends nothing: the system only chooses the route and its source. */
function sourceOf(address: string, family: number, port: number): Promise<string> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      socket.close()
      settle()
    }
    socket.once('error', (error) => end(() => reject(error)))
    socket.connect(port, address, () => {
      const source = socket.address().address
      end(() => resolve(source))
    })
  })
}
