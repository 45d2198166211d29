/** What the engine says of a pull that failed, told apart by what can be done about it. */

export interface PullFailure {
  readonly kind: PullFailureKind
  /** Completes `Cannot pull IMAGE: …`. */
  readonly clause: string
}

export type PullFailureKind =
  | 'not-found'
  | 'denied'
  /** The registry cannot be asked: whoever has the image already may go on with it. */
  | 'unreachable'
  /** It answers, but allows no more for now. */
  | 'busy'
  | 'no-space'
  | 'other-machine'
  /** Nobody waits for it any longer, or the engine fell silent. */
  | 'late'
  | 'other'

export interface Asked {
  /** As people name it: `the registry reg:5000`, `Docker Hub`. */
  readonly where: string
  readonly hasCredentials: boolean
}

interface Rule {
  readonly words: RegExp
  readonly kind: PullFailureKind
  readonly clause: (asked: Asked, found: RegExpExecArray) => string
}

/** The engine hands on what others said: there is nothing but their words. The first rule wins. */
const RULES: readonly Rule[] = [
  {
    words: /no space left on device|disk quota exceeded/i,
    kind: 'no-space',
    clause: () => 'no space left on device',
  },
  {
    words: /toomanyrequests|too many requests|pull rate limit/i,
    kind: 'busy',
    clause: ({ where }) => `${where} allows no more pulls for now`,
  },
  {
    words: /repository does not exist or may require/i,
    kind: 'denied',
    clause: ({ where }) => `${where} has no such image, or denies access to it`,
  },
  {
    words: /unauthorized|no basic auth credentials|access.* denied|denied:|status: 40[13]/i,
    kind: 'denied',
    clause: deniedClause,
  },
  {
    words: /no matching manifest for (\S+)/i,
    kind: 'other-machine',
    clause: (_asked, [, platform = '']) => `it is not made for machines like this (${platform})`,
  },
  {
    words: /manifest unknown|name unknown|not found: |: not found$|repository .* not found/i,
    kind: 'not-found',
    clause: ({ where }) => `${where} has no such image or tag`,
  },
  {
    words: /server gave HTTP response to HTTPS client/i,
    kind: 'unreachable',
    clause: ({ where }) => `${where} speaks plain HTTP, the Docker Engine wants HTTPS from it`,
  },
  {
    words: /x509: |certificate/i,
    kind: 'unreachable',
    clause: ({ where }) => `the Docker Engine does not trust the certificate of ${where}`,
  },
  {
    words: /unexpected HTTP status: (5\d\d)/i,
    kind: 'unreachable',
    clause: ({ where }, [, status = '']) => `${where} does not work, it answers ${status}`,
  },
  {
    words:
      /(connection refused|connection reset|broken pipe|no such host|server misbehaving|no route to host|network is unreachable|i\/o timeout|deadline exceeded|Client\.Timeout|TLS handshake timeout|proxyconnect|EOF$)/i,
    kind: 'unreachable',
    clause: ({ where }, [, how = '']) => `${where} does not answer (${plain(how)})`,
  },
]

const CLAUSE_LENGTH_MAX = 300

export function judgePull(reason: string, asked: Asked): PullFailure {
  const text = withoutQueries(reason.replace(/\s+/g, ' ').trim())
  for (const { words, kind, clause } of RULES) {
    const found = words.exec(text)
    if (found !== null) return { kind, clause: clause(asked, found) }
  }
  const clause = text === '' ? 'the Docker Engine does not say why' : text
  return { kind: 'other', clause: clause.slice(0, CLAUSE_LENGTH_MAX) }
}

/** Whether an image that is here already may serve in its place. */
export function mayUseOld({ kind }: PullFailure): boolean {
  return kind === 'unreachable' || kind === 'busy'
}

function deniedClause({ where, hasCredentials }: Asked): string {
  if (hasCredentials) return `${where} denies access with the credentials that this node has`
  return `${where} denies access, and this node has no credentials for it`
}

/** The network's words for "in time", in one of ours. */
function plain(how: string): string {
  if (/timeout|deadline/i.test(how)) return 'timed out'
  return how === 'EOF' ? 'it hung up' : how
}

/** The address of a token may name its user. */
function withoutQueries(text: string): string {
  return text.replace(/\?[^\s"']*/g, '')
}
