/** The certificate that the master shows, renewed long before it ends. */
import { X509Certificate } from 'node:crypto'
import { type Clock, repeat } from '../../shared/clock.ts'
import { MASTER_NAME } from '../../shared/tls-pin.ts'
import { issueWithKey, type KeyAndCertificate } from '../../shared/x509.ts'

export interface ServerTls {
  readonly key: string
  /** The certificate and then the CA's, so that a joining member finds the one its token names. */
  readonly cert: string
  readonly ca: string
}

const LIFE_MS = 90 * 86_400_000
const RENEW_BEFORE_END_MS = LIFE_MS / 3
const CLOCK_SKEW_MS = 86_400_000
const CHECK_EVERY_MS = 3_600_000

export async function issueServerTls(
  authority: KeyAndCertificate,
  nowMs: number,
): Promise<ServerTls> {
  const { key, certificate } = await issueWithKey(authority, {
    name: MASTER_NAME,
    unit: 'master',
    use: 'server',
    validity: { fromMs: nowMs - CLOCK_SKEW_MS, untilMs: nowMs + LIFE_MS },
  })
  const ca = authority.certificate
  return { key, cert: `${certificate.trimEnd()}\n${ca.trimEnd()}\n`, ca }
}

export interface Renewal {
  readonly current: ServerTls
  readonly issue: () => Promise<ServerTls>
  /** Puts the new one in force: `ControlServer.updateTls`. */
  readonly apply: (tls: ServerTls) => void
  /** Hears of a renewal that failed; it is tried again at the next check. */
  readonly report: (error: Error) => void
  readonly clock: Clock
}

/** Runs until the signal aborts; renews also while the program sleeps through the day it was due. */
export async function keepServerTlsFresh(renewal: Renewal, signal: AbortSignal): Promise<void> {
  let endMs = endOf(renewal.current)
  const check = async (): Promise<void> => {
    if (renewal.clock.nowMs() < endMs - RENEW_BEFORE_END_MS) return
    const next = await renewal.issue()
    renewal.apply(next)
    endMs = endOf(next)
  }
  const checkAndTell = (): Promise<void> => check().catch(renewal.report)
  await repeat(checkAndTell, CHECK_EVERY_MS, renewal.clock, signal)
}

function endOf(tls: ServerTls): number {
  return Date.parse(new X509Certificate(tls.cert).validTo)
}
