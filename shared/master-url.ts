import { RequestError } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { parseToken } from './token.ts'

export interface MasterUrlRules {
  readonly insecure?: boolean | undefined
  readonly token?: string | undefined
  /** Whether a stored credential already says which CA to trust. */
  readonly trusted?: boolean | undefined
}

const MASTER_PORT = 18_080

/** The origin of a master: `10.0.0.1` becomes `http://10.0.0.1:18080`. Throws what forbids it. */
export function checkMasterUrl(text: string, rules: MasterUrlRules): string {
  const url = parseUrl(text.trim())
  if (rules.token !== undefined) parseToken(rules.token)
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && rules.insecure !== true) {
    throw refusal(
      `Cannot join ${url.origin}: plain HTTP is for loopback only; run "orchestrify token" on the ` +
        'master for the join line (or start both sides with --insecure)',
    )
  }
  if (url.protocol === 'https:' && rules.token === undefined && rules.trusted !== true) {
    throw refusal(
      `Cannot join ${url.origin}: a token is needed to trust it; run "orchestrify token" on the ` +
        'master for the join line',
    )
  }
  return url.origin
}

function parseUrl(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(full)) throw unreadable(text)
  const url = new URL(full)
  const isBare = url.pathname === '/' && url.search === '' && url.hash === ''
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:'
  if (!isWeb || !isBare || url.username !== '' || url.password !== '') throw unreadable(text)
  // Without a port in the text the master's own is meant, not that of the web.
  if (!/:\d+\/?$/.test(full)) url.port = String(MASTER_PORT)
  return url
}

function unreadable(text: string): RequestError {
  return refusal(
    `Cannot use "${text.replace(/\/\/[^/]*@/, '//…@')}" as the master: expected http://HOST:PORT or https://HOST:PORT`,
  )
}

function refusal(message: string): RequestError {
  return new RequestError(400, 'MASTER_URL', message)
}
