/** Who the cluster is: its CA, its tokens, and the certificates that it gives. */
import type { Clock } from '../../shared/clock.ts'
import { RequestError } from '../../shared/errors.ts'
import type { KeyAndCertificate } from '../../shared/x509.ts'
import { type ClientSubject, issueClientCertificate } from './client-certificate.ts'
import {
  createIdentityFiles,
  type IdentityFiles,
  readIdentityFiles,
  type Tokens,
} from './identity-files.ts'
import { issueServerTls, type ServerTls } from './server-tls.ts'

export type { ClientSubject } from './client-certificate.ts'
export type { Tokens } from './identity-files.ts'
export type { ServerTls } from './server-tls.ts'

export interface Identity {
  /** The CA's certificate, PEM. */
  readonly ca: string
  readonly tokens: Tokens
  /** Throws a RequestError (422) when the request is not one that proves the possession of a key. */
  issueClientCertificate(certificateRequest: string, subject: ClientSubject): Promise<string>
  /** A fresh key and certificate for the control server; short-lived, so kept in memory only. */
  issueServerTls(): Promise<ServerTls>
}

/** Creates it at the first start. Throws one sentence when it is damaged; never makes a new one. */
export async function openIdentity(dataDirectory: string, clock: Clock): Promise<Identity> {
  const there = await readIdentityFiles(dataDirectory)
  if (there !== undefined) return createIdentity(there, clock)
  await createIdentityFiles(dataDirectory, clock.nowMs())
  return createIdentity(await readExisting(dataDirectory), clock)
}

/** The tokens of a master that has started before; for a program that runs beside it. */
export async function readTokens(dataDirectory: string): Promise<Tokens> {
  return (await readExisting(dataDirectory)).tokens
}

function createIdentity({ authority, tokens }: IdentityFiles, clock: Clock): Identity {
  const issuer: KeyAndCertificate = authority
  return {
    ca: authority.certificate,
    tokens,
    issueClientCertificate: (request, subject) =>
      issueClientCertificate(issuer, { request, subject, nowMs: clock.nowMs() }),
    issueServerTls: () => issueServerTls(issuer, clock.nowMs()),
  }
}

async function readExisting(dataDirectory: string): Promise<IdentityFiles> {
  const files = await readIdentityFiles(dataDirectory)
  if (files !== undefined) return files
  throw new RequestError(
    404,
    'NO_IDENTITY',
    `Cannot read the tokens in ${dataDirectory}: no master has started there yet`,
  )
}
