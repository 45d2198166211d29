/** Finds the CA that a token names in the chain of a peer, before a byte of any secret is sent. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { after } from './clock.ts'
import { connectTimeout } from './network-failure.ts'
import { fingerprintOf } from './token.ts'

/** The name in the master's certificate, whatever address it is called by. */
export const MASTER_NAME = 'orchestrify-master'

const CHAIN_LENGTH_MAX = 8

/** The peer is there, but is not the master that the token was made by. */
export class WrongMaster extends Error {
  constructor() {
    super('its certificate is not of the cluster that the token belongs to')
    this.name = 'WrongMaster'
  }
}

/** The CA certificate (PEM). Nothing but a handshake is sent; the peer is verified only later. */
export function fetchPinnedCa(
  origin: string,
  fingerprint: string,
  deadlineMs: number,
): Promise<string> {
  const url = new URL(origin)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(url.port || 443),
      servername: MASTER_NAME,
      minVersion: 'TLSv1.2',
      // This connection carries no secret: the chain is all that is wanted of it.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { autoSelectFamily: true } : {}),
    })
    const cancel = after(deadlineMs, () => socket.destroy(connectTimeout()))
    socket.once('secureConnect', () => {
      const ca = findCertificate(socket, fingerprint)
      socket.destroy()
      if (ca === undefined) reject(new WrongMaster())
      else resolve(ca)
    })
    socket.once('error', reject)
    socket.once('close', () => {
      cancel()
      reject(Object.assign(new Error('closed in the handshake'), { code: 'ECONNRESET' }))
    })
  })
}

function findCertificate(socket: TLSSocket, fingerprint: string): string | undefined {
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  for (let depth = 0; depth < CHAIN_LENGTH_MAX; depth += 1) {
    if (certificate?.raw === undefined) return undefined
    if (fingerprintOf(certificate.raw) === fingerprint) return caOf(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return undefined
}

function caOf(raw: Buffer): string | undefined {
  const certificate = new X509Certificate(raw)
  return certificate.ca ? certificate.toString() : undefined
}
