import { invalid } from '../../shared/errors.ts'
import { issue, type KeyAndCertificate, provenPublicKey } from '../../shared/x509.ts'

export interface ClientSubject {
  readonly role: 'node' | 'proxy'
  /** The node or proxy id. */
  readonly subject: string
}

export interface ClientCertificateText {
  /** The certificate signing request, PEM. */
  readonly request: string
  readonly subject: ClientSubject
  readonly nowMs: number
}

const LIFE_MS = 90 * 86_400_000
const CLOCK_SKEW_MS = 3_600_000
const REQUEST_CHARACTERS_MAX = 8_192
/** X.520 bounds a common name to 64 characters. */
const SUBJECT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * Of what the request asks for, only its public key is used: who it is for, and what it may be used
 * for, are the master's to say.
 */
export async function issueClientCertificate(
  authority: KeyAndCertificate,
  { request, subject, nowMs }: ClientCertificateText,
): Promise<string> {
  if (!SUBJECT.test(subject.subject)) {
    throw invalid(
      'Cannot issue a certificate: the id is not of 1 to 64 letters, digits, ".", "_", "-"',
    )
  }
  return issue(authority, {
    name: subject.subject,
    unit: subject.role,
    use: 'client',
    validity: { fromMs: nowMs - CLOCK_SKEW_MS, untilMs: nowMs + LIFE_MS },
    publicKey: await proven(request),
  })
}

async function proven(request: string): Promise<string> {
  if (request.length > REQUEST_CHARACTERS_MAX) throw refused('it is too long')
  const key = await provenPublicKey(request).catch(() => {
    throw refused('it is not a PEM with a PKCS #10 request')
  })
  if (key === undefined) throw refused('it is not signed by a P-256 key of its own')
  return key
}

function refused(why: string): Error {
  return invalid(`Cannot use the certificate request: ${why}`)
}
