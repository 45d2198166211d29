/** Certificates for tests, as files. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../shared/clock.ts'
import { createAuthority, issueWithKey, type KeyAndCertificate } from '../../../shared/x509.ts'

const DAY_MS = 86_400_000

export class CertificateKit {
  readonly dir: string
  readonly #authority: KeyAndCertificate

  private constructor(dir: string, authority: KeyAndCertificate) {
    this.dir = dir
    this.#authority = authority
  }

  static async create(dir: string): Promise<CertificateKit> {
    const validity = {
      fromMs: systemClock.nowMs() - 10 * DAY_MS,
      untilMs: systemClock.nowMs() + 100 * DAY_MS,
    }
    return new CertificateKit(dir, await createAuthority('test authority', validity))
  }

  /** What clients have to trust. */
  get ca(): string {
    return this.#authority.certificate
  }

  /** A pair for that name; it ends in so many days, or has ended. */
  async issue(name: string, days = 30): Promise<KeyAndCertificate> {
    const nowMs = systemClock.nowMs()
    const validity = { fromMs: nowMs - 9 * DAY_MS, untilMs: nowMs + days * DAY_MS }
    return issueWithKey(this.#authority, { name, unit: 'test', use: 'server', validity })
  }

  /** Writes a pair as FILE.crt and FILE.key. */
  write(file: string, { key, certificate }: KeyAndCertificate): { cert: string; key: string } {
    const paths = { cert: join(this.dir, `${file}.crt`), key: join(this.dir, `${file}.key`) }
    writeFileSync(paths.cert, certificate)
    writeFileSync(paths.key, key)
    return paths
  }
}
