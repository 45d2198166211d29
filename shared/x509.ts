/** The adapter of @peculiar/x509: makes keys, requests and certificates; the only importer. */
import 'reflect-metadata'
import { createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

export interface KeyAndCertificate {
  /** PKCS #8, PEM. */
  readonly key: string
  readonly certificate: string
}

export interface CertificateRequest {
  readonly key: string
  /** The certificate signing request, PEM. */
  readonly request: string
}

export interface Validity {
  readonly fromMs: number
  readonly untilMs: number
}

export interface CertificateText {
  readonly name: string
  readonly unit: string
  readonly use: 'client' | 'server'
  readonly validity: Validity
  /** PEM (SPKI). */
  readonly publicKey: string
}

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const SERIAL_BYTES = 16

x509.cryptoProvider.set(webcrypto)

/** A fresh P-256 key and the request that proves its possession; the names are the master's to say. */
export async function createCertificateRequest(): Promise<CertificateRequest> {
  const keys = await createKeys()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: SIGNATURE,
  })
  return { key: await exportKey(keys.privateKey), request: request.toString('pem') }
}

/** The public key (PEM) of a request whose own signature holds; undefined otherwise. */
export async function provenPublicKey(request: string): Promise<string | undefined> {
  const parsed = new x509.Pkcs10CertificateRequest(request)
  const key = createPublicKey({
    key: Buffer.from(parsed.publicKey.rawData),
    format: 'der',
    type: 'spki',
  })
  if (!isP256(key) || !(await parsed.verify())) return undefined
  return key.export({ format: 'pem', type: 'spki' }).toString()
}

export async function createAuthority(
  name: string,
  validity: Validity,
): Promise<KeyAndCertificate> {
  const keys = await createKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: createSerial(),
    name: [{ CN: [name] }],
    notBefore: new Date(validity.fromMs),
    notAfter: new Date(validity.untilMs),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: await exportKey(keys.privateKey), certificate: certificate.toString('pem') }
}

/** A certificate (PEM) signed by the authority. */
export async function issue(authority: KeyAndCertificate, text: CertificateText): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const publicKey = await new x509.PublicKey(text.publicKey).export(KEY, ['verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: createSerial(),
    subject: [{ CN: [text.name] }, { OU: [text.unit] }],
    issuer: issuer.subjectName,
    notBefore: new Date(text.validity.fromMs),
    notAfter: new Date(Math.min(text.validity.untilMs, issuer.notAfter.getTime())),
    publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: SIGNATURE,
    extensions: await extensionsOf(text, issuer, publicKey),
  })
  return certificate.toString('pem')
}

/** A fresh key with a certificate that the authority signed. */
export async function issueWithKey(
  authority: KeyAndCertificate,
  text: Omit<CertificateText, 'publicKey'>,
): Promise<KeyAndCertificate> {
  const keys = await createKeys()
  const key = await exportKey(keys.privateKey)
  const publicKey = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString()
  return { key, certificate: await issue(authority, { ...text, publicKey }) }
}

async function extensionsOf(
  text: CertificateText,
  issuer: x509.X509Certificate,
  publicKey: webcrypto.CryptoKey,
): Promise<x509.Extension[]> {
  const use = text.use === 'server' ? 'serverAuth' : 'clientAuth'
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[use]], true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ]
  if (text.use === 'server') {
    extensions.push(new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: text.name }]))
  }
  return extensions
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem)
  return webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign'])
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

function createSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  // RFC 5280 §4.1.2.2: a positive number, and not one that begins with a superfluous zero.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}
