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
  // A URL of http forgets a port that is its scheme's own.
  const text = shown.replace(/^https?:/i, 'tcp:')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || !['', '/'].includes(url.pathname)) {
    throw invalid(`Cannot use Docker host "${shown}": tcp://ADDRESS:PORT is expected`)
  }
  const verifies = (environment.DOCKER_TLS_VERIFY ?? '') !== ''
  const isSecure = /^https:/i.test(shown) || verifies
  const port = url.port === '' ? defaultPort(isSecure) : Number(url.port)
  const protocol = isSecure ? ('https' as const) : ('http' as const)
  const at = { host: url.hostname, port, protocol }
  const certificates = isSecure ? certificatesOf(environment, verifies) : undefined
  return certificates === undefined ? { shown, at } : { shown, at, certificates }
}

function defaultPort(isSecure: boolean): number {
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
