import { createServer } from 'node:net'
import { createControlClient } from '../../../shared/control-client.ts'
import { z } from '../answers.ts'
import { CliError } from '../failure.ts'

const PROBE_MS = 1_000
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'the name of the host is unknown',
}

/** The port itself when it is free, some free one for 0; throws a sentence when it is taken. */
export async function claimPort(port: number, host: string, what: Claim): Promise<number> {
  const found = await tryPort(port, host)
  if (typeof found === 'number') return found
  if (found !== 'EADDRINUSE') {
    const reason = REASONS[found] ?? found
    throw new CliError(`Cannot start the ${what.role} on ${host}, port ${port}: ${reason}`)
  }
  const holder = (await isMaster(port)) ? 'another orchestrify master' : 'another program'
  throw new CliError(`Cannot start the ${what.role}: port ${port} is in use by ${holder}`, {
    next: `Give ${what.flag} PORT (0 = any free one), or stop what uses it ("orchestrify down").`,
  })
}

/** The port when it is free, else any other. */
export async function preferPort(port: number, host: string): Promise<number> {
  const found = await tryPort(port, host)
  return typeof found === 'number' ? found : claimPort(0, host, { role: 'proxy', flag: '' })
}

interface Claim {
  readonly role: string
  readonly flag: string
}

function tryPort(port: number, host: string): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    server.listen(port, host, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}

async function isMaster(port: number): Promise<boolean> {
  const masters = [`http://127.0.0.1:${port}`]
  const client = createControlClient({ masters, deadlineMs: PROBE_MS })
  const schema = z.looseObject({ epoch: z.number() })
  try {
    await client.call({ method: 'GET', path: '/v1/health', schema })
    return true
  } catch {
    // Whatever it is, it does not answer as a master.
    return false
  } finally {
    client.close()
  }
}
