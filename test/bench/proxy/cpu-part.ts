/** `cpu_ratio_*`: the processor time of a request through ours, to that through each peer. */
import { connect } from 'node:tls'
import { sentenceOf } from '../../../shared/errors.ts'
import { freePort } from '../../support/program.ts'
import {
  type Contender,
  hasHttpProxy,
  type PeerName,
  type Site,
  startPeer,
} from '../peers/contenders.ts'
import { type ServiceRoute, startOurs } from '../peers/ours.ts'
import { median } from '../report.ts'
import { joined, type Part, unmeasured } from './part.ts'
import { PROXY_CPU, type Scene } from './scene.ts'
import { pairedRatios, type Slice, slices } from './slices.ts'
import { h2Workload, type Workload, webSocketWorkload, wrkWorkloads } from './workloads.ts'

const BOTH = ['get100', 'get10k', 'post10k', 'chunked10k', 'head1k']

/** These meet programs that have just started, and warm them for those that follow. */
const FIRST = ['get100', 'tls10k', 'ws_echo']

/** A peer with the name that the figures give it. */
interface Rival {
  readonly peer: PeerName
  readonly figure: string
}

const NGINX: Rival = { peer: 'nginx', figure: 'cpu_ratio_nginx' }
const HAPROXY: Rival = { peer: 'haproxy', figure: 'cpu_ratio_haproxy' }
const CADDY: Rival = { peer: 'caddy', figure: 'cpu_ratio_caddy' }
const HTTP_PROXY: Rival = { peer: 'http-proxy', figure: 'cpu_ratio_http_proxy' }
const NGINX_TLS: Rival = { peer: 'nginx-tls', figure: 'cpu_ratio_nginx' }
const NGINX_WS: Rival = { peer: 'nginx-ws', figure: 'cpu_ratio_nginx' }

const PACKAGES: Partial<Record<PeerName, string>> = {
  nginx: 'nginx-light',
  'nginx-tls': 'nginx-light',
  'nginx-ws': 'nginx-light',
  haproxy: 'haproxy',
  caddy: 'caddy',
}

export const PLAIN_FIGURES = [
  ...BOTH.flatMap((name) => [`cpu_ratio_nginx.${name}`, `cpu_ratio_haproxy.${name}`]),
  'cpu_ratio_nginx.get1m',
  'cpu_ratio_http_proxy.get100',
  'cpu_ratio_caddy.get100',
]
export const SECURE_FIGURES = ['cpu_ratio_nginx.tls10k', 'cpu_ratio_nginx.h2_10k']
export const WEB_SOCKET_FIGURES = ['cpu_ratio_nginx.ws_echo']

/** The workloads over plain HTTP/1.1. */
export async function plainPart(scene: Scene): Promise<Part> {
  const all = wrkWorkloads(scene.stand)
  const ours = await ourContender(scene, [])
  const match = await openMatch(scene, ours, [NGINX, HAPROXY, CADDY, HTTP_PROXY])
  const parts: Part[] = []
  for (const workload of all) {
    const { name } = workload
    if (name === 'get100') parts.push(await compared(scene, match, workload))
    else if (BOTH.includes(name)) {
      parts.push(await compared(scene, only(match, [NGINX, HAPROXY]), workload))
    } else if (name === 'get1m') parts.push(await compared(scene, only(match, [NGINX]), workload))
  }
  await closeMatch(scene, match)
  return joined(parts)
}

/** The same over TLS, and HTTP/2 where it is spoken. */
export async function securePart(scene: Scene): Promise<Part> {
  if (!scene.help.includes('--tls-port')) {
    return unmeasured(SECURE_FIGURES, 'this build of the proxy has no TLS')
  }
  const tlsPort = await freePort()
  const files = ['certificate', 'key'].map((name) => `${scene.certificates}/${name}.pem`)
  const [certificate = '', key = ''] = files
  const flags = ['--tls-port', String(tlsPort), '--tls-cert', certificate, '--tls-key', key]
  const ours = { ...(await ourContender(scene, flags)), port: tlsPort }
  const match = await openMatch(scene, ours, [NGINX_TLS])
  const tls = wrkWorkloads(scene.stand).filter(({ name }) => name === 'tls10k')
  const parts: Part[] = []
  for (const workload of tls) parts.push(await compared(scene, match, workload))
  parts.push(
    (await speaksH2(tlsPort))
      ? await compared(scene, match, h2Workload(scene.stand))
      : unmeasured(SECURE_FIGURES.slice(1), 'this build of the proxy speaks no HTTP/2'),
  )
  await closeMatch(scene, match)
  return joined(parts)
}

export async function webSocketPart(scene: Scene): Promise<Part> {
  const ours = await ourContender(scene, [])
  const match = await openMatch(scene, ours, [NGINX_WS], { upstreams: [scene.echo] })
  const part = await compared(scene, match, webSocketWorkload(scene.stand, scene.messages))
  await closeMatch(scene, match)
  return part
}

interface Match {
  readonly ours: Contender
  readonly rivals: ReadonlyMap<Rival, Contender>
  readonly absent: ReadonlyMap<Rival, string>
}

function ourContender(scene: Scene, flags: readonly string[]): Promise<Contender> {
  const services: readonly ServiceRoute[] = [
    { name: 'web', path: '/', upstreams: [scene.backend] },
    { name: 'echo', path: '/ws', upstreams: [scene.echo] },
  ]
  return startOurs(scene.stand, services, { cpu: PROXY_CPU, flags })
}

async function openMatch(
  scene: Scene,
  ours: Contender,
  wanted: readonly Rival[],
  site: Site = { upstreams: [scene.backend] },
): Promise<Match> {
  const rivals = new Map<Rival, Contender>()
  const absent = new Map<Rival, string>()
  const { certificates } = scene
  for (const rival of wanted) {
    const trouble = troubleWith(scene, rival.peer)
    if (trouble !== undefined) absent.set(rival, trouble)
    else {
      const where = { ...site, cpu: PROXY_CPU, certificates }
      rivals.set(rival, await startPeer(scene.stand, rival.peer, where))
    }
  }
  return { ours, rivals, absent }
}

function troubleWith({ missing }: Scene, peer: PeerName): string | undefined {
  if (peer === 'http-proxy' && !hasHttpProxy()) {
    return 'Cannot measure the comparison with http-proxy: the npm package is not installed'
  }
  return missing.get(PACKAGES[peer] ?? '') ?? missing.get('wrk')
}

function only({ ours, rivals, absent }: Match, wanted: readonly Rival[]): Match {
  const isWanted = ([rival]: readonly [Rival, unknown]): boolean => wanted.includes(rival)
  return {
    ours,
    rivals: new Map([...rivals].filter(isWanted)),
    absent: new Map([...absent].filter(isWanted)),
  }
}

async function compared(scene: Scene, match: Match, workload: Workload): Promise<Part> {
  const { ours, rivals, absent } = match
  const { name } = workload
  const figure = (rival: Rival): string => `${rival.figure}.${name}`
  const gone = [...absent].map(([rival, why]) => unmeasured([figure(rival)], why))
  scene.say(`${name}: ${[ours, ...rivals.values()].map((contender) => contender.name).join(', ')}`)
  const pace = FIRST.includes(name) ? scene.pace.first : scene.pace.others
  try {
    const measured = await slices(workload, [ours, ...rivals.values()], pace)
    const figures = [...rivals].map(([rival, { name: other }]) => {
      const ratios = pairedRatios(measured, name, ours.name, other)
      return [figure(rival), median(ratios)] as const
    })
    const notes = [...rivals.keys()].flatMap((rival) => {
      const wrong = wrongAnswers(measured)
      return wrong === '' ? [] : [[figure(rival), wrong] as const]
    })
    const runs = { [`cpu.${name}`]: measured }
    return joined([
      ...gone,
      { figures: Object.fromEntries(figures), notes: Object.fromEntries(notes), runs },
    ])
  } catch (error) {
    return joined([...gone, unmeasured([...rivals.keys()].map(figure), sentenceOf(error))])
  }
}

function wrongAnswers(measured: readonly Slice[]): string {
  const names = [...new Set(measured.map(({ proxy }) => proxy))]
  const counts = names.map((proxy) => {
    const own = measured.filter((slice) => slice.proxy === proxy)
    return { proxy, bad: own.reduce((sum, { bad }) => sum + bad, 0) }
  })
  const wrong = counts.filter(({ bad }) => bad > 0)
  return wrong.map(({ proxy, bad }) => `${proxy}: ${bad} wrong answers`).join(', ')
}

async function closeMatch({ stand }: Scene, { ours, rivals }: Match): Promise<void> {
  await Promise.all([ours, ...rivals.values()].map((contender) => stand.end(contender)))
}

function speaksH2(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false }
    const socket = connect(options, () => {
      const isSpoken = socket.alpnProtocol === 'h2'
      socket.destroy()
      resolve(isSpoken)
    })
    socket.once('error', () => resolve(false))
  })
}
