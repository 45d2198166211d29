/** A cluster on Docker hosts that the tests of a file share: each leaves it as it found it. */
import { expect } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { Cluster, type ClusterShape } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { Lab, type LabShape } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

export const IMAGE = 'web:1'
export const PATIENCE = { timeoutMs: 60_000, everyMs: 100 }

/** Each look costs a few processes. */
const SLOWLY = { ...PATIENCE, everyMs: 300 }

const LABELS = 'index .Config.Labels "orchestrify.replica"'

export class Stage {
  readonly lab: Lab
  readonly cluster: Cluster

  private constructor(lab: Lab, cluster: Cluster) {
    this.lab = lab
    this.cluster = cluster
  }

  static async open(shape: LabShape, cluster: ClusterShape = {}): Promise<Stage> {
    const lab = await Lab.start(shape)
    const ground = onHosts(lab)
    const all = { workers: shape.hosts, proxies: 1, ground, ...cluster }
    const running = await Cluster.start(all)
    await Promise.all(lab.hosts.map((host) => lab.importImage(host, IMAGE)))
    return new Stage(lab, running)
  }

  host(name = 'w1'): LabHost {
    return this.lab.host(name)
  }

  /** A service of small replicas that the autoscaler leaves alone. */
  async run(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const reserve = { cpu: 0.01, memory: '4m' }
    const health = { http: '/health', interval: '1s', timeout: '5s' }
    const base = { name, image: IMAGE, autoscale: false, reserve, health, stopGrace: '1s' }
    await this.cluster.api('/v1/services', 'POST', { ...base, ...spec })
  }

  async replicaOn(node: string, service = 'web'): Promise<ReplicaView> {
    const all = await this.cluster.replicas(service)
    const found = all.find(({ nodeName }) => nodeName === node)
    if (found?.handle === undefined) throw new Error(`no replica of ${service} runs on ${node}`)
    return found
  }

  /** Until the replica is in this state, and for this reason. */
  state(id: string, state: ReplicaView['state'], reason: RegExp = /^/): Promise<ReplicaView> {
    const look = async (): Promise<ReplicaView> => {
      const found = await this.cluster.api<ReplicaView>(`/v1/replicas/${id}`)
      if (found.state === state && reason.test(found.reason ?? '')) return found
      throw new Error(`it is ${found.state}: ${found.reason}`)
    }
    return until(look, PATIENCE)
  }

  async nodeReason(name: string): Promise<string> {
    return (await this.cluster.nodes()).find((node) => node.name === name)?.reason ?? ''
  }

  /** What was told of it since a revision, oldest first: `replica-phase waiting: …`. */
  async told(after: number): Promise<readonly string[]> {
    return (await this.cluster.events(after)).map(({ change }) => {
      const phase = change.kind === 'replica-phase' ? ` ${change.phase}` : ''
      return `${change.kind}${phase}: ${change.reason}`
    })
  }

  async revision(): Promise<number> {
    return (await this.cluster.events()).at(-1)?.revision ?? 0
  }

  /** Removes all services; nothing of theirs may be left on any host. */
  async clear(): Promise<void> {
    for (const host of this.lab.hosts) await this.#mend(host)
    for (const { name } of this.lab.hosts) await this.cluster.call(`/v1/nodes/${name}/open`, 'POST')
    await tidy(this.cluster, this.lab.hosts)
    await until(async () => {
      const left = await Promise.all(this.lab.hosts.map(leftOn))
      if (left.flat().length > 0) throw new Error(left.flat().join('; '))
      return true
    }, SLOWLY)
    await this.cluster.nodesAre('ready', this.lab.hosts.length, 30_000)
  }

  async close(): Promise<void> {
    await this.cluster.stop()
  }

  /** A test that failed in its middle must not take the others with it. */
  async #mend(host: LabHost): Promise<void> {
    if (host.enginePid() === undefined) await this.lab.faults.startEngine(host)
    else await this.lab.faults.resumeEngine(host)
  }
}

/** Everything that an engine has beyond its images and what it always has. */
export async function leftOn(host: LabHost): Promise<readonly string[]> {
  const asked = [
    ['ps', '--all', '--format', `container {{.Names}} {{.Status}} {{.Image}}`],
    ['network', 'ls', '--filter', 'type=custom', '--format', 'network {{.Name}}'],
    ['volume', 'ls', '--format', 'volume {{.Name}}'],
  ]
  const said = await Promise.all(asked.map((argv) => host.docker(argv)))
  return said.flatMap((text) => text.split('\n').filter(Boolean)).map((it) => `${host.name} ${it}`)
}

export async function inspect(host: LabHost, container: string) {
  const [found] = JSON.parse(await host.docker(['inspect', '--type', 'container', container]))
  return found
}

/** Runs a script in a container by hand. */
export function inside(host: LabHost, container: string, script: string): Promise<string> {
  return host.docker(['exec', container, 'sh', '-c', script])
}

/** Each replica has one container, and each container its replica. */
export async function expectNoDoubles(stage: Stage): Promise<void> {
  const wanted = (await stage.cluster.replicas()).map(({ id }) => id).toSorted()
  const listed = stage.lab.hosts.map(async (host) => {
    const ids = (await host.docker(['ps', '--all', '--quiet'])).split('\n').filter(Boolean)
    if (ids.length === 0) return []
    const said = await host.docker(['inspect', '--format', `{{${LABELS}}}`, ...ids])
    return said.split('\n').filter(Boolean)
  })
  expect((await Promise.all(listed)).flat().toSorted()).toEqual(wanted)
}
