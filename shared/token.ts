/** `orc1.<CA fingerprint>.<kind>.<secret>`: proves the bearer to the master and the master to it. */
import { createHash, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto'
import { RequestError } from './errors.ts'

export type TokenKind = 'admin' | 'join'

export interface Token {
  readonly kind: TokenKind
  /** The SHA-256 of the cluster's CA certificate (DER), in base64url. */
  readonly fingerprint: string
  readonly secret: string
}

const SECRET_BYTES = 32
const FORM = /^orc1\.([A-Za-z0-9_-]{43})\.([aj])\.([A-Za-z0-9_-]{43,86})$/

export function createToken(kind: TokenKind, fingerprint: string): Token {
  return { kind, fingerprint, secret: randomBytes(SECRET_BYTES).toString('base64url') }
}

/** Throws a sentence that never repeats what was given: it may be most of a secret. */
export function parseToken(text: string): Token {
  const [, fingerprint, kind, secret] = FORM.exec(text.trim()) ?? []
  if (fingerprint === undefined || secret === undefined) {
    throw new RequestError(
      401,
      'MALFORMED_TOKEN',
      'Cannot use the token: it is not one that "orchestrify token" printed',
    )
  }
  return { kind: kind === 'a' ? 'admin' : 'join', fingerprint, secret }
}

export function formatToken(token: Token): string {
  return `orc1.${token.fingerprint}.${token.kind === 'admin' ? 'a' : 'j'}.${token.secret}`
}

/** Compares in a time that says nothing about where two texts differ, nor about their lengths. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

/** What a token's fingerprint is made of; takes the certificate as PEM or DER. */
export function fingerprintOf(certificate: string | Buffer): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
