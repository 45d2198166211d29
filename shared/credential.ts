/** What a worker or a proxy is known by: stored by itself, proved on every call. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { makePrivateDirectory, readIfThere, writeDurably } from './durable-file.ts'
import { RequestError, sentenceOf } from './errors.ts'
import { fingerprintOf, parseToken } from './token.ts'

export { type CertificateRequest, createCertificateRequest } from './x509.ts'

export interface Credential {
  readonly id: string
  /** Proves at a later join that this is the same node; empty where none was given. */
  readonly secret: string
  /** The URL of the master that gave it. */
  readonly master: string
  /** PEM, all three or none: a member that joined over plain loopback has no certificate. */
  readonly key?: string | undefined
  readonly certificate?: string | undefined
  readonly ca?: string | undefined
}

const FILE = 'credential.json'
const RENEW_AFTER_SHARE = 2 / 3

const pem = z.string().max(16_384)
const credentialSchema = z
  .object({
    id: z.string().min(1).max(128),
    secret: z.string().max(256),
    master: z.string().max(2_048),
    key: pem.optional(),
    certificate: pem.optional(),
    ca: pem.optional(),
  })
  .refine(
    ({ key, certificate, ca }) => new Set([key, certificate, ca].map((x) => typeof x)).size === 1,
    'the key, the certificate and the CA belong together',
  )

/** Undefined when this directory never held one; throws a sentence when it is damaged. */
export async function loadCredential(directory: string): Promise<Credential | undefined> {
  const path = join(directory, FILE)
  try {
    const text = await readIfThere(path)
    return text === undefined ? undefined : parseCredential(text)
  } catch (error) {
    const why = error instanceof z.ZodError ? error.issues[0]?.message : sentenceOf(error)
    throw new RequestError(
      500,
      'DAMAGED_CREDENTIAL',
      `Cannot read the credential ${path}: ${why}; restore it, or remove it to join anew`,
    )
  }
}

export async function saveCredential(directory: string, credential: Credential): Promise<void> {
  await makePrivateDirectory(directory)
  await writeDurably(join(directory, FILE), `${JSON.stringify(credential, undefined, 2)}\n`)
}

/** After the member was removed: what it proved is worth nothing any more, and would be in its way. */
export async function forgetCredential(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true })
}

/** Whether two thirds of the certificate's life are over; never true of one without a certificate. */
export function isRenewalDue(credential: Credential, nowMs: number): boolean {
  if (credential.certificate === undefined) return false
  const { validFrom, validTo } = new X509Certificate(credential.certificate)
  const fromMs = Date.parse(validFrom)
  return nowMs >= fromMs + (Date.parse(validTo) - fromMs) * RENEW_AFTER_SHARE
}

/** Whether the token belongs to the cluster that gave the credential; a plain one fits anywhere. */
export function isOfSameCluster(credential: Credential, token: string): boolean {
  return (
    credential.ca === undefined || fingerprintOf(credential.ca) === parseToken(token).fingerprint
  )
}

function parseCredential(text: string): Credential {
  const credential = credentialSchema.parse(JSON.parse(text))
  const { key, certificate, ca } = credential
  if (key === undefined || certificate === undefined || ca === undefined) return credential
  const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  if (!matches) throw new Error('its key does not belong to its certificate')
  if (!new X509Certificate(ca).ca) throw new Error('its CA is not a CA')
  return credential
}
