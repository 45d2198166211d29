/** What the scenarios say of ours beside its peers; pure. */
import type { Part } from '../proxy/part.ts'
import { ratio, type Summary } from './outcome.ts'

/** They give every request away at once; the best of them is whom ours is compared with. */
export const PEERS = [
  'nginx-least_conn',
  'haproxy-leastconn',
  'haproxy-random2',
  'caddy-least_conn',
] as const
/** A central queue, too, for whoever knows how many requests a replica serves at once. */
export const QUEUE = 'haproxy-maxconn'
export const OURS = 'ours'

export function figureNames(scenario: string): readonly string[] {
  const ratios = ['late_ratio_best_peer', 'p999_ratio_best_peer', 'p999_ratio_haproxy_maxconn']
  return [...ratios, 'requests', 'generator_late_ms_p99'].map((name) => `${name}.${scenario}`)
}

export function balanceFigures(scenario: string, summaries: readonly Summary[]): Part {
  const names: readonly string[] = PEERS
  const ours = summaries.find(({ proxy }) => proxy === OURS)
  const queue = summaries.find(({ proxy }) => proxy === QUEUE)
  const peers = summaries.filter(({ proxy }) => names.includes(proxy))
  const prompt = best(peers, ({ latePercent }) => latePercent)
  const short = best(peers, ({ p999Ms }) => p999Ms)
  return {
    figures: {
      ...figure(`late_ratio_best_peer.${scenario}`, ours?.latePercent, prompt?.latePercent),
      ...figure(`p999_ratio_best_peer.${scenario}`, ours?.p999Ms, short?.p999Ms),
      ...figure(`p999_ratio_haproxy_maxconn.${scenario}`, ours?.p999Ms, queue?.p999Ms),
      [`requests.${scenario}`]: Math.min(...summaries.map(({ requests }) => requests)),
    },
    notes: {
      [`late_ratio_best_peer.${scenario}`]: compared(ours, prompt, lateText),
      [`p999_ratio_best_peer.${scenario}`]: compared(ours, short, tailText),
      [`p999_ratio_haproxy_maxconn.${scenario}`]: compared(ours, queue, tailText),
      [`requests.${scenario}`]: 'to each proxy',
    },
    runs: {},
  }
}

function best(peers: readonly Summary[], by: (summary: Summary) => number): Summary | undefined {
  return peers.toSorted((a, b) => by(a) - by(b))[0]
}

function figure(name: string, own: number | undefined, other: number | undefined) {
  const value = own === undefined || other === undefined ? undefined : ratio(own, other)
  return { [name]: value ?? null }
}

function compared(
  ours: Summary | undefined,
  other: Summary | undefined,
  text: (summary: Summary) => string,
): string {
  if (ours === undefined || other === undefined) return 'there is nobody to compare with'
  return `ours ${text(ours)}, ${other.proxy} ${text(other)}`
}

function lateText({ latePercent }: Summary): string {
  return `${latePercent.toFixed(2)} % late`
}

function tailText({ p999Ms }: Summary): string {
  return `${p999Ms.toFixed(0)} ms`
}
