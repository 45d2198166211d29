/** Where the Docker Engine listens, as `DOCKER_HOST` names it. */
import { join } from 'node:path'
import { invalid } from '../../../shared/errors.ts'

export interface EngineAddress {
  /** As people name it. */
  readonly shown: string
  readonly at:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number; readonly protocol: 'http' | 'https' }
  /** The folder with `ca.pem`, `cert.pem` and `key.pem`. */
  readonly certificates?: string
}

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT = 'unix:///var/run/docker.sock'
const PORT = 2_375
const PORT_TLS = 2_376

export function engineAddress(
  dockerHost: string | undefined,
  environment: Environment,
): EngineAddress {
  const named = (dockerHost ?? environment.DOCKER_HOST ?? '').trim()
  const shown = named === '' ? DEFAULT : named
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.*)$/i.exec(shown) ?? []
  if (scheme === 'unix') return unix(shown, rest)
  if (['tcp', 'http', 'https'].includes(scheme)) return tcp(shown, environment)
  const kinds = 'unix://, tcp://, http:// and https:// are understood'
  const hint = scheme === 'ssh' ? '; forward its socket over ssh and name that' : ''
  throw invalid(`Cannot use Docker host "${shown}": ${kinds}${hint}`)
}

function unix(shown: string, path: string): EngineAddress {
  if (path.startsWith('/')) return { shown, at: { socketPath: path } }
  throw invalid(`Cannot use Docker host "${shown}": the path of its socket must be absolute`)
}

function tcp(shown: string, environment: Environment): EngineAddress {
  const url = URL.canParse(shown) ? new URL(shown.replace(/^tcp:/, 'http:')) : undefined
  if (url === undefined || url.hostname === '' || !['', '/'].includes(url.pathname)) {
    throw invalid(`Cannot use Docker host "${shown}": tcp://ADDRESS:PORT is expected`)
  }
  const verifies = (environment.DOCKER_TLS_VERIFY ?? '') !== ''
  const isSecure = url.protocol === 'https:' || verifies
  const port = portOf(url, isSecure)
  const at = {
    host: url.hostname,
    port,
    protocol: isSecure ? ('https' as const) : ('http' as const),
  }
  const certificates = isSecure ? certificatesOf(environment, verifies) : undefined
  return certificates === undefined ? { shown, at } : { shown, at, certificates }
}

function portOf({ port, protocol }: URL, isSecure: boolean): number {
  if (port !== '') return Number(port)
  // A URL forgets the port that is its scheme's own.
  if (protocol === 'https:') return 443
  return isSecure ? PORT_TLS : PORT
}

/** Without a folder of certificates, `https://` is trusted as any web server is. */
function certificatesOf(
  { DOCKER_CERT_PATH = '', HOME = '/root' }: Environment,
  verifies: boolean,
): string | undefined {
  if (DOCKER_CERT_PATH !== '') return DOCKER_CERT_PATH
  return verifies ? join(HOME, '.docker') : undefined
}
