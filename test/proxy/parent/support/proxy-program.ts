/** The real proxy as its users start it: a parent, and the carriers that it started. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childrenOf, killAll } from '../../../support/processes.ts'
import { freePort, Program, type RunOptions } from '../../../support/program.ts'
import { until } from '../../../support/until.ts'

export class ProxyProgram {
  readonly program: Program
  readonly port: number
  readonly adminPort: number
  readonly #known = new Set<number>()

  constructor(
    argv: readonly string[],
    ports: { readonly port: number; readonly adminPort: number },
    options: RunOptions = {},
  ) {
    this.port = ports.port
    this.adminPort = ports.adminPort
    const flags = ['--port', String(ports.port), '--admin-port', String(ports.adminPort)]
    this.program = new Program('proxy', [...argv, ...flags], options)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The processes that carry now, or still finish, the oldest first. */
  get carriers(): readonly number[] {
    const pids = childrenOf(this.program.pid)
    for (const one of pids) this.#known.add(one)
    return pids
  }

  /** How often the log says so. */
  said(message: string): number {
    return this.program.output.split(`"message":"${message}"`).length - 1
  }

  async serves(times = 1): Promise<void> {
    await until(() => this.said('proxy started') >= times)
  }

  /** Resolves when another carrier serves, and the one before accepts no more. */
  async takeOver(): Promise<void> {
    const left = this.said('proxy leaving')
    process.kill(this.program.pid, 'SIGUSR2')
    await until(() => this.said('proxy leaving') > left)
  }

  /** Ends it and whatever it started. */
  async kill(): Promise<void> {
    const carriers = [...this.carriers, ...this.#known]
    await this.program.end('SIGKILL')
    await killAll(carriers)
  }
}

/** A folder and the proxies of one test. */
export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'orchestrify-handover-'))
  readonly #proxies: ProxyProgram[] = []

  /** A fixed table: each service by its name, on the ports of this machine. */
  routes(services: Readonly<Record<string, readonly number[]>>): string {
    const file = join(this.dir, 'routes.json')
    const list = Object.entries(services).map(([name, ports]) => ({
      name,
      endpoints: ports.map((port) => `127.0.0.1:${port}`),
    }))
    writeFileSync(file, JSON.stringify({ services: list }))
    return file
  }

  /** Starts one that serves; without `--routes` it needs a master. */
  async start(argv: readonly string[], options: RunOptions = {}): Promise<ProxyProgram> {
    const proxy = await this.launch(argv, {}, options)
    await proxy.serves()
    return proxy
  }

  async launch(
    argv: readonly string[],
    ports: Partial<Pick<ProxyProgram, 'port' | 'adminPort'>> = {},
    options: RunOptions = {},
  ): Promise<ProxyProgram> {
    const { port = await freePort(), adminPort = await freePort() } = ports
    const proxy = new ProxyProgram(['--data', this.dir, ...argv], { port, adminPort }, options)
    this.#proxies.push(proxy)
    return proxy
  }

  async clear(): Promise<void> {
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.kill()))
    rmSync(this.dir, { recursive: true, force: true })
  }
}
