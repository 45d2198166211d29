import { join } from 'node:path'
import { isLoopback } from '../../../shared/loopback.ts'
import { programPath } from '../programs.ts'
import type { Role } from './state.ts'

/** What one `up` is to run. Every port is a real one by now. */
export interface UpPlan {
  readonly dir: string
  readonly host: string
  readonly workers: number
  readonly port: number
  readonly proxyPort: number
  readonly adminPort: number
  readonly masterFlags: readonly string[]
  readonly driver: UpDriver
  /** Address of the Docker Engine; by default where it usually is. */
  readonly dockerHost?: string | undefined
}

export const UP_DRIVERS = ['auto', 'docker', 'process'] as const
export type UpDriver = (typeof UP_DRIVERS)[number]

export interface ChildPlan {
  readonly role: Role
  readonly name: string
  readonly argv: readonly string[]
  readonly log: string
  readonly address?: string
}

/** Where programs on this machine find the master, wherever else it listens. */
export function masterUrl(plan: UpPlan): string {
  return `http://${isSpecific(plan.host) ? LOOPBACK : localAddress(plan.host)}:${plan.port}`
}

export function proxyUrl(plan: UpPlan): string {
  return `http://${localAddress(plan.host)}:${plan.proxyPort}`
}

export function masterChild(plan: UpPlan): ChildPlan {
  const place = ['--data', join(plan.dir, 'master')]
  // Plain HTTP is for loopback alone, so the programs of this machine keep it.
  const host = isSpecific(plan.host) ? `${LOOPBACK},${plan.host}` : plan.host
  const flags = [...place, '--port', String(plan.port), '--host', host, ...plan.masterFlags]
  return child(plan, { role: 'master', name: 'master', flags, address: masterUrl(plan) })
}

export function workerChildren(plan: UpPlan): readonly ChildPlan[] {
  return Array.from({ length: plan.workers }, (_, at) => {
    const name = `worker-${at + 1}`
    const who = ['--master-ip', masterUrl(plan), '--worker-name', name]
    const how = ['--data', join(plan.dir, name), '--driver', plan.driver, '--on-exit', 'stop']
    const engine = plan.dockerHost === undefined ? [] : ['--docker-host', plan.dockerHost]
    // Proxies of other machines reach the replicas there, too.
    const where = isSpecific(plan.host) ? ['--advertise', plan.host] : []
    return child(plan, {
      role: 'worker',
      name,
      flags: [...who, ...how, ...engine, ...where, '--port', '0'],
    })
  })
}

export function proxyChild(plan: UpPlan): ChildPlan {
  const ports = ['--port', String(plan.proxyPort), '--admin-port', String(plan.adminPort)]
  const place = ['--host', plan.host, '--data', join(plan.dir, 'proxy')]
  const flags = ['--master-ip', masterUrl(plan), ...ports, ...place]
  return child(plan, { role: 'proxy', name: 'proxy', flags, address: proxyUrl(plan) })
}

interface Draft {
  readonly role: Role
  readonly name: string
  readonly flags: readonly string[]
  readonly address?: string
}

function child({ dir }: UpPlan, { flags, ...draft }: Draft): ChildPlan {
  const log = join(dir, 'logs', `${draft.name}.log`)
  return { ...draft, log, argv: [programPath(draft.role), ...flags] }
}

const LOOPBACK = '127.0.0.1'

/** One address that other machines can reach, neither loopback nor all. */
function isSpecific(host: string): boolean {
  return host !== '0.0.0.0' && host !== '::' && !isLoopback(host)
}

function localAddress(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
