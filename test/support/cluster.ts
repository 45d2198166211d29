/** A whole cluster of real programs on this machine, in a folder of its own. */
import { join } from 'node:path'
import type { NodeView, ReplicaView, ServiceView, WhyView } from '../../shared/api.ts'
import type { Entry } from '../../shared/change.ts'
import { type Asked, type Ground, loopback } from './ground.ts'
import type { Load } from './load.ts'
import { childrenOf, killAll } from './processes.ts'
import { freePort, Program, ROOT, run } from './program.ts'
import { until } from './until.ts'

export interface ClusterShape {
  readonly workers?: number
  readonly proxies?: number
  readonly masterFlags?: readonly string[]
  readonly workerFlags?: readonly string[]
  readonly proxyFlags?: readonly string[]
  /** Where it all runs; this machine's loopback by default. */
  readonly ground?: Ground
}

export interface RunningProxy {
  readonly program: Program
  readonly url: string
  readonly adminUrl: string
}

export class Cluster {
  readonly dir: string
  readonly workers = new Map<string, Program>()
  readonly proxies: RunningProxy[] = []
  readonly #shape: ClusterShape
  readonly #ground: Ground
  masterFlags: readonly string[]
  master: Program | undefined
  masterPort = 0

  constructor(shape: ClusterShape = {}) {
    this.#shape = shape
    this.#ground = shape.ground ?? loopback()
    this.dir = this.#ground.dir
    this.masterFlags = shape.masterFlags ?? []
  }

  static async start(shape: ClusterShape = {}): Promise<Cluster> {
    const cluster = new Cluster(shape)
    try {
      cluster.masterPort = await freePort()
      await cluster.startMaster()
      const { workers = 2, proxies = 1 } = shape
      for (let at = 1; at <= workers; at += 1) await cluster.startWorker(`w${at}`)
      for (let at = 0; at < proxies; at += 1) await cluster.startProxy()
      await cluster.nodesAre('ready', workers)
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  get masterUrl(): string {
    return `http://127.0.0.1:${this.masterPort}`
  }

  async startMaster(): Promise<void> {
    // Whatever else this machine does must not make its nodes busy.
    const open = ['--busy-cpu', '100']
    const flags = ['--port', String(this.masterPort), '--data', join(this.dir, 'master'), ...open]
    const { masterFlags, masterOptions } = this.#ground
    const all = [...flags, ...masterFlags, ...this.masterFlags]
    const master = new Program('master', all, masterOptions)
    this.master = master
    await until(() => {
      if (!master.isRunning) throw new Error(`the master ended: ${master.output}`)
      return this.api('/v1/health').then(
        () => true,
        () => false,
      )
    })
  }

  async startWorker(name: string, flags: readonly string[] = []): Promise<Program> {
    const ground = this.#ground
    const ask = (...words: readonly string[]): Promise<string> => this.cli(...words)
    const place = await ground.workerFlags(name, { port: this.masterPort, ask })
    const common = [...place, '--worker-name', name, '--port', '0']
    const all = [...common, ...(this.#shape.workerFlags ?? []), ...flags]
    const program = new Program('worker', all, ground.workerOptions(name))
    this.workers.set(name, program)
    return program
  }

  /** What the command line prints, asked on the master's machine; throws when it fails. */
  async cli(...words: readonly string[]): Promise<string> {
    const { code, output } = await this.tryCli(...words)
    if (code !== 0) throw new Error(`${words.join(' ')}: ${code} ${output}`)
    return output
  }

  async tryCli(
    ...words: readonly string[]
  ): Promise<{ code: number | NodeJS.Signals; output: string }> {
    const env = { ORCHESTRIFY_MASTER: this.masterUrl }
    const known = words[0] === 'token' ? ['--data', join(this.dir, 'master')] : []
    const port = words[0] === 'token' ? ['--port', String(this.masterPort)] : []
    const { masterOptions } = this.#ground
    return run('master', [...words, ...known, ...port], { ...masterOptions, env })
  }

  /** Requests at a steady rate through the first proxy. */
  load(service: string, perSecond: number, path = '/'): Promise<Load> {
    return this.#ground.load(this.at(service, path), perSecond)
  }

  /** One request, as from the master's machine. */
  fetch(url: string, init: Asked = {}): Promise<{ status: number; text: string }> {
    return this.#ground.fetch(url, init)
  }

  async startProxy(): Promise<RunningProxy> {
    const [port, adminPort] = [await freePort(), await freePort()]
    const proxy = this.#proxyOn(port, adminPort)
    this.proxies.push(proxy)
    await this.#answers(`${proxy.adminUrl}/healthz`)
    return proxy
  }

  /** Kills a proxy with all its processes, and starts it again on the same ports and data. */
  async restartProxy(at: number): Promise<void> {
    const before = this.proxies[at]
    if (before === undefined) throw new Error(`there is no proxy ${at}`)
    await killProxy(before)
    const ports = [before.url, before.adminUrl].map((url) => Number(new URL(url).port))
    const after = this.#proxyOn(ports[0] ?? 0, ports[1] ?? 0)
    this.proxies[at] = after
    await this.#answers(`${after.adminUrl}/healthz`)
  }

  #proxyOn(port: number, adminPort: number): RunningProxy {
    const ports = ['--port', String(port), '--admin-port', String(adminPort)]
    const data = ['--data', join(this.dir, `proxy-${port}`)]
    const flags = ['--master-ip', this.masterUrl, ...ports, ...data]
    const all = [...flags, ...(this.#shape.proxyFlags ?? [])]
    const program = new Program('proxy', all, this.#ground.masterOptions)
    return { program, url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}` }
  }

  /** The URL under which the first proxy serves a service. */
  at(service: string, path = '/'): string {
    return `${this.proxies[0]?.url}/s/${service}${path}`
  }

  async api<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
    const { status, json } = await this.call(path, method, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json as T
  }

  async call(
    path: string,
    method = 'GET',
    body?: unknown,
  ): Promise<{ status: number; json: unknown }> {
    const headers = { 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers }
    const url = `${this.masterUrl}${path}`
    const { status, text } = await this.#ground.fetch(url, { method, ...sent })
    return { status, json: text === '' ? undefined : JSON.parse(text) }
  }

  async run(name: string, spec: Record<string, unknown> = {}): Promise<ServiceView> {
    const command = [process.execPath, join(ROOT, 'test/support/service.mjs')]
    const health = { http: '/health', interval: '1s' }
    return this.api('/v1/services', 'POST', { name, command, health, ...spec })
  }

  async nodes(): Promise<readonly NodeView[]> {
    return (await this.api<{ nodes: NodeView[] }>('/v1/nodes')).nodes
  }

  async replicas(service?: string): Promise<readonly ReplicaView[]> {
    const query = service === undefined ? '' : `?service=${service}`
    return (await this.api<{ replicas: ReplicaView[] }>(`/v1/replicas${query}`)).replicas
  }

  service(name: string): Promise<ServiceView> {
    return this.api(`/v1/services/${name}`)
  }

  why(name: string): Promise<WhyView> {
    return this.api(`/v1/services/${name}/why`)
  }

  async events(after = 0): Promise<readonly Entry[]> {
    return (await this.api<{ events: Entry[] }>(`/v1/events?after=${after}&limit=1000`)).events
  }

  /** Waits until exactly so many replicas of the service serve, and no other exists. */
  async serves(
    service: string,
    count: number,
    timeoutMs = 20_000,
  ): Promise<readonly ReplicaView[]> {
    return until(
      async () => {
        const { serving } = await this.service(service)
        // What a lost node may still run is neither here nor there.
        const all = (await this.replicas(service)).filter(({ state }) => state !== 'unknown')
        const well = all.filter(({ state }) => state === 'serving')
        return [serving, well.length, all.length].every((n) => n === count) ? well : undefined
      },
      { timeoutMs },
    )
  }

  async nodesAre(condition: string, count: number, timeoutMs = 20_000): Promise<void> {
    await until(
      async () => {
        const seen = (await this.nodes()).filter(({ seenAt }) => seenAt !== undefined)
        return seen.filter((node) => node.condition === condition).length === count
      },
      { timeoutMs },
    )
  }

  /** Ends everything, also replicas that outlived their worker, and removes the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.proxies.map(killProxy))
    await this.master?.end('SIGTERM')
    await Promise.all([...this.workers.values()].map((worker) => worker.end('SIGTERM')))
    await this.#ground.clear()
  }

  async #answers(url: string): Promise<void> {
    const isUp = (): Promise<boolean> =>
      this.#ground.fetch(url).then(
        ({ status }) => status === 200,
        () => false,
      )
    await until(isUp)
  }
}

/** Those that carry the traffic would finish it without their parent. */
async function killProxy({ program }: RunningProxy): Promise<void> {
  // The number of one that has ended may be another's by now.
  const carriers = program.isRunning ? childrenOf(program.pid) : []
  await program.end('SIGKILL')
  await killAll(carriers)
}
