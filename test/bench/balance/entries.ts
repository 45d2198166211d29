/** Who takes part: ours with its defaults, the peers, and ours without one of its rules. */
import { type PeerName, startPeer } from '../peers/contenders.ts'
import { startOurs } from '../peers/ours.ts'
import type { Stand } from '../peers/stand.ts'
import type { Missing } from '../peers/tools.ts'
import type { Entry } from './contest.ts'
import { OURS, PEERS, QUEUE } from './figures.ts'

const PACKAGES: Partial<Record<PeerName, string>> = {
  'nginx-least_conn': 'nginx-light',
  'haproxy-leastconn': 'haproxy',
  'haproxy-random2': 'haproxy',
  'haproxy-maxconn': 'haproxy',
  'caddy-least_conn': 'caddy',
}

export function ourEntry(stand: Stand, name = OURS, flags: readonly string[] = []): Entry {
  return (upstreams) => startOurs(stand, [{ name: 'web', path: '/', upstreams }], { name, flags })
}

export function peerEntries(stand: Stand, missing: Missing): readonly Entry[] {
  const names: readonly PeerName[] = [...PEERS, QUEUE]
  const present = names.filter((name) => !missing.has(PACKAGES[name] ?? ''))
  return present.map((name) => (upstreams) => startPeer(stand, name, { upstreams }))
}
