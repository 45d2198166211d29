/** The adapter of dockerode: loaded when it is first needed, and no sooner. */
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type Docker from 'dockerode'
import type { EngineAddress } from './engine-address.ts'
import { openFrom } from './engine-get.ts'

export type ApiVersion = readonly [number, number]

/** The newest version of the API that this driver was made for. */
const NEWEST: ApiVersion = [1, 47]

export interface EngineClient {
  /** Speaks the version that was agreed upon. */
  readonly docker: Docker
  /** Asks which version the engine speaks, and agrees upon one. */
  negotiate(signal: AbortSignal): Promise<ApiVersion>
  close(): void
}

export async function connectEngine(address: EngineAddress): Promise<EngineClient> {
  const { default: Dockerode } = await import('dockerode')
  const { at } = address
  const isSecure = 'protocol' in at && at.protocol === 'https'
  // No connection is kept: one that a restarted engine has forgotten would lose a call.
  const agent = isSecure ? new SecureAgent({ keepAlive: false }) : new Agent({ keepAlive: false })
  // For each call the transport describes it in full, with all that hangs on it, and to nobody: that
  // would cost 30 ms of the processor.
  Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' })
  const options = { ...placeOf(address), ...(await certificatesOf(address)), agent }
  // No idle time-out of the transport either: each call has its own deadline, streams may be quiet.
  const docker = new Dockerode(options)
  const unversioned = new Dockerode(options)
  const negotiate = async (signal: AbortSignal): Promise<ApiVersion> => {
    const spoken = older(await versionOf(unversioned, signal), NEWEST)
    Object.assign(docker.modem, { version: `v${spoken.join('.')}` })
    return spoken
  }
  return { docker, negotiate, close: () => agent.destroy() }
}

/** Everything is named: whatever is not, the transport would take from the environment. */
function placeOf({ at }: EngineAddress) {
  const none = { ca: undefined, cert: undefined, key: undefined, timeout: undefined }
  if ('socketPath' in at) {
    return { ...none, host: undefined, protocol: 'http' as const, socketPath: at.socketPath }
  }
  const { host, port, protocol } = at
  return { ...none, host: `${protocol}://${host}`, port, protocol }
}

async function certificatesOf({ certificates }: EngineAddress) {
  if (certificates === undefined) return {}
  const read = (name: string): Promise<Buffer> => readFile(join(certificates, name))
  return { ca: await read('ca.pem'), cert: await read('cert.pem'), key: await read('key.pem') }
}

async function versionOf(docker: Docker, abortSignal: AbortSignal): Promise<ApiVersion> {
  const answer = await openFrom(docker, '/_ping', { abortSignal })
  answer.resume()
  const said = String(answer.headers['api-version'])
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(said) ?? []
  if (major !== undefined) return [Number(major), Number(minor)]
  throw new Error('what answers there is no Docker Engine')
}

export function older(one: ApiVersion, other: ApiVersion): ApiVersion {
  return isAtLeast(one, other) ? other : one
}

export function isAtLeast([major, minor]: ApiVersion, [least, leastMinor]: ApiVersion): boolean {
  return major > least || (major === least && minor >= leastMinor)
}
