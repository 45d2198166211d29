/** Joins the cluster and keeps what proves who this node is. */
import type { ControlClient } from '../shared/control-client.ts'
import { type Credential, createCertificateRequest, saveCredential } from '../shared/credential.ts'
import type { Capacity } from '../shared/model.ts'
import type { NodeJoin, NodeJoined } from '../shared/protocol.ts'
import { WIRE_VERSION } from '../shared/protocol.ts'
import type { MasterLink } from './master-link.ts'

export interface MembershipParts {
  readonly link: Pick<MasterLink, 'join'>
  readonly client: Pick<ControlClient, 'trustedCa' | 'renew'>
  readonly directory: string
  readonly masters: readonly string[]
  readonly identity: Pick<NodeJoin, 'name' | 'driver'>
  /** Asked at every join: a machine may have moved. Undefined: the master uses what it sees. */
  readonly address: () => Promise<string | undefined>
  /** What this machine offers to replicas. */
  readonly capacity: () => Promise<Capacity>
  readonly credential: Credential | undefined
}

interface Machine {
  readonly address: string | undefined
  readonly capacity: Capacity
}

export class Membership {
  readonly #parts: MembershipParts
  #credential: Credential | undefined

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#credential = parts.credential
  }

  /**
   * Over TLS every join also brings a fresh certificate. What the expectation throws on is not kept.
   */
  async join(expect: (joined: NodeJoined) => void, signal: AbortSignal): Promise<NodeJoined> {
    const { link, masters, address, capacity } = this.#parts
    const secure = masters.some((url) => url.startsWith('https:'))
    const request = secure ? await createCertificateRequest() : undefined
    const machine = { address: await address(), capacity: await capacity() }
    const joined = await link.join(this.#joinBody(request?.request, machine), signal)
    expect(joined)
    await this.#keep(joined, request?.key)
    return joined
  }

  get credential(): Credential | undefined {
    return this.#credential
  }

  #joinBody(certificateRequest: string | undefined, { address, capacity }: Machine): NodeJoin {
    const secret = this.#credential?.secret ?? ''
    return {
      wire: WIRE_VERSION,
      ...this.#parts.identity,
      ...(address === undefined ? {} : { address }),
      capacity,
      ...(secret === '' ? {} : { secret }),
      ...(certificateRequest === undefined ? {} : { certificateRequest }),
    }
  }

  async #keep(joined: NodeJoined, key: string | undefined): Promise<void> {
    const { client, directory, masters } = this.#parts
    const { node: id, secret, certificate } = joined
    const ca = client.trustedCa()
    const proved =
      key === undefined || certificate === undefined || ca === undefined
        ? {}
        : { key, certificate, ca }
    const credential = { id, secret, master: masters[0] ?? '', ...proved }
    await saveCredential(directory, credential)
    this.#credential = credential
    if ('certificate' in credential) client.renew(credential)
  }
}
