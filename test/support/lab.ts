/** A few Docker hosts, a master's network and a switch on this machine, apart from its own network. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandOptions, output } from './command.ts'
import { LabFaults } from './lab-faults.ts'
import { LabHost, type LabPlace } from './lab-host.ts'
import type { ImageKind } from './lab-images.ts'
import { LabKeeper } from './lab-keeper.ts'
import { LabReach, type Reached } from './lab-reach.ts'
import { LabRegistry, type RegistryShape } from './lab-registry.ts'
import { Load } from './load.ts'
import { ROOT } from './program.ts'
import { type SocketFetch, type SocketResponse, socketFetch } from './socket-fetch.ts'

const HOSTS_SH = join(ROOT, 'test/lab/hosts.sh')
const ENTER_PY = join(ROOT, 'test/lab/enter.py')
const NETWORK = '10.77.0'
const PROBE_MAX_MS = 1_000

export interface LabShape {
  readonly hosts: number
  /** Of dockerd: `--live-restore`. */
  readonly engineFlags?: readonly string[]
  /** A small disk for the engine's data of one host: `{ host: 'w1', megabytes: 64 }`. */
  readonly disk?: { readonly host: string; readonly megabytes: number }
  /** What hosts say that they have; nothing enforces it. */
  readonly memoryMb?: number
  /** The first so many of this machine's CPUs. */
  readonly cpus?: number
}

export class Lab {
  readonly dir: string
  /** Where masters, proxies and registries run: only the network is its own. */
  readonly master: LabPlace
  readonly hosts: LabHost[] = []
  readonly faults: LabFaults
  readonly #keeper: LabKeeper
  readonly #reach: LabReach
  readonly #registries: LabRegistry[] = []
  readonly #loads: Load[] = []

  private constructor(keeper: LabKeeper) {
    this.#keeper = keeper
    this.dir = keeper.dir
    mkdirSync(join(this.dir, 'client'))
    this.master = this.#place('m', 10)
    this.faults = new LabFaults((verb, ...words) => this.#run([verb, ...words]))
    this.#reach = new LabReach(this.dir, this.master.prefix)
  }

  static async start(shape: LabShape): Promise<Lab> {
    const lab = new Lab(await LabKeeper.start(HOSTS_SH))
    try {
      const numbers = Array.from({ length: shape.hosts }, (_, at) => at + 1)
      const hosts = await Promise.all(numbers.map((number) => lab.#add(number, shape)))
      lab.hosts.push(...hosts)
      return lab
    } catch (error) {
      await lab.stop()
      throw error
    }
  }

  /** `w1` and so on. */
  host(name: string): LabHost {
    const found = this.hosts.find((host) => host.name === name)
    if (found === undefined) throw new Error(`There is no host ${name} in this lab`)
    return found
  }

  /** A socket of this machine that leads to a TCP port of the lab. */
  reach(address: string, port: number): Promise<{ socketPath: string }> {
    return this.#reach.reach(address, port)
  }

  /** Connects once from the master's network. */
  probe(address: string, port: number, timeoutMs = PROBE_MAX_MS): Promise<Reached> {
    return this.#reach.probe(address, port, timeoutMs)
  }

  async fetch(url: string, init: SocketFetch = {}): Promise<SocketResponse> {
    return socketFetch((await this.#to(url)).socketPath, url, init)
  }

  /** Requests at a steady rate, from the master's network. */
  async load(url: string, perSecond: number): Promise<Load> {
    const load = new Load(url, perSecond, (await this.#to(url)).socketPath)
    this.#loads.push(load)
    return load
  }

  importImage(
    host: LabHost,
    name: string,
    kind: ImageKind = 'busybox',
    changes: readonly string[] = [],
  ): Promise<void> {
    return host.importImage(name, kind, changes)
  }

  /** Started, on the master's address. */
  async registry(shape: RegistryShape = {}): Promise<LabRegistry> {
    const probe = (address: string, port: number): Promise<Reached> => this.probe(address, port)
    const registry = new LabRegistry(this.dir, this.master, probe, shape)
    this.#registries.push(registry)
    await registry.start()
    return registry
  }

  /** Leaves nothing: whatever still runs inside is ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()))
    await Promise.all(this.#registries.map((registry) => registry.stop()))
    await this.#reach.close()
    await this.#keeper.stop()
  }

  async #add(number: number, shape: LabShape): Promise<LabHost> {
    const place = this.#place(`w${number}`, 10 + number)
    await this.#run(['add', place.name], { env: environment(place.name, shape) })
    return new LabHost(place, this.dir)
  }

  #place(name: string, lastOctet: number): LabPlace {
    const prefix = ['/usr/bin/python3', ENTER_PY, this.#keeper.name, name, '--']
    return { name, address: `${NETWORK}.${lastOctet}`, prefix }
  }

  async #run(words: readonly string[], options: CommandOptions = {}): Promise<void> {
    await output(['bash', HOSTS_SH, ...words], { env: { ...options.env, LAB_DIR: this.dir } })
  }

  #to(url: string): Promise<{ socketPath: string }> {
    const { hostname, port } = new URL(url)
    return this.reach(hostname, Number(port === '' ? 80 : port))
  }
}

function environment(host: string, shape: LabShape): Readonly<Record<string, string>> {
  const { engineFlags = [], disk, memoryMb, cpus } = shape
  return {
    LAB_ENGINE_FLAGS: engineFlags.join(' '),
    LAB_MEMORY_MB: String(memoryMb ?? ''),
    LAB_CPUS: String(cpus ?? ''),
    LAB_DISK_MB: disk?.host === host ? String(disk.megabytes) : '',
  }
}
