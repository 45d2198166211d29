/** What every part of the bench of the proxy works with. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../shared/clock.ts'
import { createAuthority, issueWithKey } from '../../../shared/x509.ts'
import { freePort } from '../../support/program.ts'
import { listening } from '../peers/contenders.ts'
import { oursHelp } from '../peers/ours.ts'
import type { Stand } from '../peers/stand.ts'
import type { Missing } from '../peers/tools.ts'
import type { ProxyPace } from './pace.ts'
import { LOAD_CPU } from './workloads.ts'

export interface Scene {
  readonly stand: Stand
  readonly pace: ProxyPace
  readonly missing: Missing
  /** Ports of the servers behind the proxies. */
  readonly backend: number
  readonly echo: number
  /** Compiled programs. */
  readonly replica: string
  readonly openLoad: string
  readonly messages: string
  /** What this build of ours says of its flags. */
  readonly help: string
  /** A folder with `certificate.pem` and `key.pem`. */
  readonly certificates: string
  say(progress: string): void
}

/** The processor of the proxies. */
export const PROXY_CPU = 0

const DAY_MS = 86_400_000

export async function setScene(stand: Stand, pace: ProxyPace, missing: Missing): Promise<Scene> {
  const names = ['backend', 'echo', 'replica', 'oload', 'messages'] as const
  const [backend, echo, replica, openLoad, messages] = await Promise.all(
    names.map((name) => stand.compile(name)),
  )
  const certificates = join(stand.dir, 'certificates')
  await writeCertificate(certificates)
  return {
    stand,
    pace,
    missing,
    backend: await serving(stand, backend ?? ''),
    echo: await serving(stand, echo ?? ''),
    replica: replica ?? '',
    openLoad: openLoad ?? '',
    messages: messages ?? '',
    help: await oursHelp(stand),
    certificates,
    say: (progress) => process.stderr.write(`${progress}\n`),
  }
}

async function serving(stand: Stand, program: string): Promise<number> {
  const port = await freePort()
  await listening(stand.start([program, String(port)], { cpu: LOAD_CPU }), program, port)
  return port
}

async function writeCertificate(folder: string): Promise<void> {
  const nowMs = systemClock.nowMs()
  const validity = { fromMs: nowMs - DAY_MS, untilMs: nowMs + DAY_MS }
  const authority = await createAuthority('bench', validity)
  const text = { name: 'localhost', unit: 'bench', use: 'server', validity } as const
  const { key, certificate } = await issueWithKey(authority, text)
  mkdirSync(folder)
  writeFileSync(join(folder, 'certificate.pem'), certificate)
  writeFileSync(join(folder, 'key.pem'), key)
}
