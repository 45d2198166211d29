/** The cluster's CA and tokens on disk: created once and whole, then only ever read. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import {
  createDirectoryDurably,
  isThere,
  makePrivateDirectory,
  readIfThere,
} from '../../shared/durable-file.ts'
import { RequestError, sentenceOf } from '../../shared/errors.ts'
import {
  createToken,
  fingerprintOf,
  formatToken,
  parseToken,
  type Token,
  type TokenKind,
} from '../../shared/token.ts'
import { createAuthority, type KeyAndCertificate } from '../../shared/x509.ts'

export interface Tokens {
  readonly admin: Token
  readonly join: Token
}

export interface IdentityFiles {
  readonly authority: KeyAndCertificate
  readonly tokens: Tokens
}

const DIRECTORY = 'identity'
const FILES = {
  key: 'ca.key',
  certificate: 'ca.crt',
  admin: 'admin.token',
  join: 'join.token',
} as const

const AUTHORITY_NAME = 'orchestrify CA'
const DAY_MS = 86_400_000
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS

export async function createIdentityFiles(dataDirectory: string, nowMs: number): Promise<void> {
  const authority = await createAuthority(AUTHORITY_NAME, {
    // A member's clock may be behind.
    fromMs: nowMs - DAY_MS,
    untilMs: nowMs + AUTHORITY_LIFE_MS,
  })
  const fingerprint = fingerprintOf(authority.certificate)
  await makePrivateDirectory(dataDirectory)
  await createDirectoryDurably(join(dataDirectory, DIRECTORY), {
    [FILES.key]: authority.key,
    [FILES.certificate]: authority.certificate,
    [FILES.admin]: `${formatToken(createToken('admin', fingerprint))}\n`,
    [FILES.join]: `${formatToken(createToken('join', fingerprint))}\n`,
  })
}

/** Undefined before the first start; throws one sentence when a file is missing or damaged. */
export async function readIdentityFiles(dataDirectory: string): Promise<IdentityFiles | undefined> {
  const directory = join(dataDirectory, DIRECTORY)
  const names = Object.values(FILES)
  const texts = await Promise.all(names.map((name) => readOne(join(directory, name))))
  const missing = names.filter((_, at) => texts[at] === undefined)
  if (missing.length === names.length && !(await isThere(directory))) return undefined
  if (missing.length > 0) {
    throw damaged(directory, `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing`)
  }
  const [key = '', certificate = '', admin = '', joined = ''] = texts
  const authority = checkAuthority(directory, { key, certificate })
  const fingerprint = fingerprintOf(certificate)
  return {
    authority,
    tokens: {
      admin: checkToken(join(directory, FILES.admin), admin, { kind: 'admin', fingerprint }),
      join: checkToken(join(directory, FILES.join), joined, { kind: 'join', fingerprint }),
    },
  }
}

async function readOne(path: string): Promise<string | undefined> {
  try {
    return await readIfThere(path)
  } catch (error) {
    throw damaged(path, sentenceOf(error))
  }
}

function checkAuthority(directory: string, authority: KeyAndCertificate): KeyAndCertificate {
  const certificate = parsed(
    join(directory, FILES.certificate),
    'it is not a certificate',
    () => new X509Certificate(authority.certificate),
  )
  const key = parsed(join(directory, FILES.key), 'it is not a private key', () =>
    createPrivateKey(authority.key),
  )
  if (!certificate.ca) throw damaged(join(directory, FILES.certificate), 'it is not that of a CA')
  if (!certificate.checkPrivateKey(key)) {
    throw damaged(directory, `${FILES.key} does not belong to ${FILES.certificate}`)
  }
  return authority
}

function checkToken(
  path: string,
  text: string,
  expected: { readonly kind: TokenKind; readonly fingerprint: string },
): Token {
  const token = parsed(path, 'it is not a token', () => parseToken(text))
  if (token.kind !== expected.kind) throw damaged(path, `it is not the ${expected.kind} token`)
  if (token.fingerprint !== expected.fingerprint) {
    throw damaged(path, `it does not belong to ${FILES.certificate}`)
  }
  return token
}

function parsed<T>(path: string, why: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    // The parsers' own words may repeat a part of the secret.
    throw damaged(path, why)
  }
}

function damaged(path: string, why: string): RequestError {
  return new RequestError(
    500,
    'DAMAGED_IDENTITY',
    `Cannot use the identity in ${path}: ${why}; restore it from a backup`,
  )
}
