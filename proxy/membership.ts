import type { Clock } from '../shared/clock.ts'
import type { ControlClient } from '../shared/control-client.ts'
import {
  type CertificateRequest,
  type Credential,
  createCertificateRequest,
  isRenewalDue,
  saveCredential,
} from '../shared/credential.ts'
import { type ProxyJoined, proxyJoinedSchema, WIRE_VERSION } from '../shared/protocol.ts'
import { anySchema } from './schemas.ts'

export interface MembershipParts {
  readonly client: ControlClient
  readonly credential: Credential
  /** Whether masters are spoken to over TLS, where a certificate proves who this proxy is. */
  readonly tls: boolean
  readonly directory: string
  readonly boot: string
  readonly address?: string
  readonly port: number
  readonly adminPort: number
  readonly clock: Clock
}

const GOODBYE_MS = 2_000
const RENEWAL_CHECK_MS = 3_600_000

/** This proxy's place among those the master knows. */
export class Membership {
  readonly #parts: MembershipParts
  #credential: Credential
  #checkedAtMs: number

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#credential = parts.credential
    this.#checkedAtMs = parts.clock.nowMs()
  }

  get id(): string {
    return this.#credential.id
  }

  get boot(): string {
    return this.#parts.boot
  }

  /** Registers, or comes back as the same; rejects with why it could not. */
  async join(signal: AbortSignal): Promise<ProxyJoined> {
    const { client, tls, boot, address, port, adminPort } = this.#parts
    const request = tls && this.#needsCertificate() ? await createCertificateRequest() : undefined
    const joined = await client.call({
      method: 'POST',
      path: '/v1/proxies',
      body: {
        wire: WIRE_VERSION,
        proxy: this.id,
        boot,
        port,
        adminPort,
        ...(address === undefined ? {} : { address }),
        ...(request === undefined ? {} : { certificateRequest: request.request }),
      },
      schema: proxyJoinedSchema,
      idempotent: true,
      signal,
    })
    await this.#certified(joined, request)
    return joined
  }

  /** Gets a new certificate in time before the old one ends. */
  async renewIfDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs()
    if (nowMs - this.#checkedAtMs < RENEWAL_CHECK_MS) return
    this.#checkedAtMs = nowMs
    if (isRenewalDue(this.#credential, nowMs)) await this.join(signal)
  }

  /** Says goodbye; rejects when no master heard it. */
  async leave(): Promise<void> {
    await this.#parts.client.call({
      method: 'DELETE',
      path: `/v1/proxies/${encodeURIComponent(this.id)}`,
      schema: anySchema,
      deadlineMs: GOODBYE_MS,
    })
  }

  #needsCertificate(): boolean {
    const { certificate } = this.#credential
    return certificate === undefined || isRenewalDue(this.#credential, this.#parts.clock.nowMs())
  }

  async #certified(joined: ProxyJoined, request: CertificateRequest | undefined): Promise<void> {
    const { client, directory } = this.#parts
    const { certificate } = joined
    const ca = client.trustedCa()
    if (certificate === undefined || request === undefined || ca === undefined) return
    this.#credential = { ...this.#credential, key: request.key, certificate, ca }
    await saveCredential(directory, this.#credential)
    client.renew(this.#credential)
  }
}
