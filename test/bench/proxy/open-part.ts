/** `p50_ratio_nginx.open2000`. */
import { startPeer } from '../peers/contenders.ts'
import { startOurs } from '../peers/ours.ts'
import { openSlices, p50Ratio } from './open-rate.ts'
import { type Part, unmeasured } from './part.ts'
import { PROXY_CPU, type Scene } from './scene.ts'
import { wrk } from './workloads.ts'

const NAME = 'p50_ratio_nginx.open2000'

export async function openPart(scene: Scene): Promise<Part> {
  const { stand, pace, missing, backend } = scene
  const trouble = missing.get('nginx-light')
  if (trouble !== undefined) return unmeasured([NAME], trouble)
  scene.say('open2000: ours, nginx')
  const site = { upstreams: [backend], cpu: PROXY_CPU }
  const services = [{ name: 'web', path: '/', upstreams: [backend] }]
  const ours = await startOurs(stand, services, { cpu: PROXY_CPU })
  const nginx = await startPeer(stand, 'nginx', site)
  if (!missing.has('wrk')) await wrk(stand, { path: '/100' })(ours, pace.first.warmMaxMs)
  const measured = await openSlices(stand, scene.openLoad, [ours, nginx], pace.open)
  await stand.end(ours)
  await stand.end(nginx)
  return {
    figures: { [NAME]: p50Ratio(measured, ours.name, nginx.name) },
    notes: {},
    runs: { open2000: measured },
  }
}
