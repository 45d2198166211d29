import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Clock, repeat } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import {
  type CertificateFiles,
  type CertificateSources,
  certificateFiles,
  fingerprintOf,
  readCertificateFile,
  unusable,
} from './certificate-files.ts'

/** RFC 8996: what is older must not be negotiated. */
export const TLS_VERSION_MIN = 'TLSv1.2'

interface Loaded {
  readonly file: string
  readonly cert: string
  readonly key: string
  readonly parsed: X509Certificate
  readonly context: SecureContext
}

/** What a server needs for clients that name nobody. */
export interface FirstCertificate {
  readonly cert: string
  readonly key: string
}

/** Answers to so many names are remembered. */
const NAMES_MAX = 1_000

/** The certificates by the names that they are for, kept in step with their files. */
export class Certificates {
  readonly #sources: CertificateSources
  readonly #log: Log
  #loaded: readonly [Loaded, ...Loaded[]]
  #fingerprint: string
  #refused: string | undefined
  readonly #byName = new Map<string, SecureContext | undefined>()
  readonly #listeners = new Set<() => void>()

  private constructor(
    parts: { readonly sources: CertificateSources; readonly log: Log },
    loaded: readonly [Loaded, ...Loaded[]],
    fingerprint: string,
  ) {
    this.#sources = parts.sources
    this.#log = parts.log
    this.#loaded = loaded
    this.#fingerprint = fingerprint
  }

  /** Rejects with one sentence that names the file and what is wrong with it. */
  static async load(sources: CertificateSources, log: Log, nowMs: number): Promise<Certificates> {
    const pairs = await certificateFiles(sources)
    const fingerprint = await fingerprintOf(pairs)
    const loaded = await loadAll(pairs)
    // Clients may still take it, and plain HTTP goes on: no reason to serve nobody at all.
    for (const { file, parsed } of loaded) {
      const fields = { file, endedAt: parsed.validTo }
      if (hasEnded(parsed, nowMs)) log.warn('certificate has ended', fields)
    }
    return new Certificates({ sources, log }, loaded, fingerprint)
  }

  get first(): FirstCertificate {
    const { cert, key } = this.#loaded[0]
    return { cert, key }
  }

  /** The certificate for that name; undefined when none is, and the first has to do. */
  contextFor(name: string): SecureContext | undefined {
    if (this.#byName.has(name)) return this.#byName.get(name)
    // Names come from clients: what they make up must not fill the memory.
    if (this.#byName.size >= NAMES_MAX) this.#byName.clear()
    const context = this.#find(name)?.context
    this.#byName.set(name, context)
    return context
  }

  /** Calls back whenever other certificates are in force. */
  onChange(callback: () => void): void {
    this.#listeners.add(callback)
  }

  /** Looks after the files until the signal aborts. */
  follow(everyMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    return repeat(() => this.look(clock.nowMs()), everyMs, clock, signal)
  }

  /** Takes what the files hold now, unless it cannot be used: then the old ones stay. */
  async look(nowMs: number): Promise<void> {
    try {
      const pairs = await certificateFiles(this.#sources)
      const fingerprint = await fingerprintOf(pairs)
      if (fingerprint === this.#fingerprint) return
      // Also what cannot be used is said once, and not looked at again before it changes.
      this.#fingerprint = fingerprint
      this.#put(await loadAll(pairs), nowMs)
      this.#log.info('certificates reloaded', { certificates: pairs.length })
    } catch (error) {
      this.#refuse(sentenceOf(error))
    }
  }

  #put(loaded: readonly [Loaded, ...Loaded[]], nowMs: number): void {
    for (const one of loaded) {
      const before = this.#loaded.find(({ file }) => file === one.file)?.parsed
      const worse = before !== undefined && !hasEnded(before, nowMs) && hasEnded(one.parsed, nowMs)
      if (worse) throw unusable(`${one.file}: it has ended on ${one.parsed.validTo}`)
    }
    this.#loaded = loaded
    this.#refused = undefined
    this.#byName.clear()
    for (const callback of this.#listeners) callback()
  }

  #refuse(reason: string): void {
    if (this.#refused !== reason) this.#log.warn('certificates not reloaded', { reason })
    this.#refused = reason
  }

  /** One for that very name before one for many; of several the one that lasts longest. */
  #find(name: string): Loaded | undefined {
    for (const wildcards of [false, true]) {
      const matching = this.#loaded.filter(
        ({ parsed }) => parsed.checkHost(name, { subject: 'default', wildcards }) !== undefined,
      )
      matching.sort((a, b) => Date.parse(b.parsed.validTo) - Date.parse(a.parsed.validTo))
      if (matching[0] !== undefined) return matching[0]
    }
    return undefined
  }
}

async function loadAll(
  pairs: readonly CertificateFiles[],
): Promise<readonly [Loaded, ...Loaded[]]> {
  const [first, ...others] = pairs
  if (first === undefined) throw unusable('there are none')
  const loaded: [Loaded, ...Loaded[]] = [await load(first)]
  for (const pair of others) loaded.push(await load(pair))
  return loaded
}

async function load(files: CertificateFiles): Promise<Loaded> {
  const [cert, key] = [await readCertificateFile(files.cert), await readCertificateFile(files.key)]
  const parsed = attempt(() => new X509Certificate(cert), `${files.cert}: it is no certificate`)
  const secret = attempt(() => createPrivateKey(key), `${files.key}: it is no private key`)
  if (!parsed.checkPrivateKey(secret)) {
    throw unusable(`${files.key}: it is not the key of ${files.cert}`)
  }
  const context = attempt(
    () => createSecureContext({ cert, key, minVersion: TLS_VERSION_MIN }),
    files.cert,
  )
  return { file: files.cert, cert, key, parsed, context }
}

function attempt<T>(read: () => T, what: string): T {
  try {
    return read()
  } catch (error) {
    throw unusable(`${what} (${sentenceOf(error)})`)
  }
}

function hasEnded(certificate: X509Certificate, nowMs: number): boolean {
  return Date.parse(certificate.validTo) < nowMs
}
