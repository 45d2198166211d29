/** A registry on a lab's network, from which its engines pull. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabHost, LabPlace } from './lab-host.ts'
import type { Reached } from './lab-reach.ts'
import { until } from './until.ts'

export interface RegistryShape {
  /** Asks for the credentials that the registry then tells. */
  readonly auth?: boolean
  readonly port?: number
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

const CREDENTIALS: Credentials = { username: 'lab', password: 'only-for-tests' }
// The registry accepts bcrypt alone, which Node does not have.
const HTPASSWD = 'lab:$2y$05$labLABlabLABlabLABlab.N5XkiFK3.Xq/8OhWAItD9V4YaaNExje\n'

export class LabRegistry {
  /** Stands before the name of an image: `10.77.0.10:5000`. */
  readonly address: string
  readonly credentials: Credentials | undefined
  readonly #place: LabPlace
  readonly #port: number
  readonly #config: string
  readonly #probe: (address: string, port: number) => Promise<Reached>
  #server: ChildProcess | undefined
  #log = ''

  constructor(
    labDir: string,
    place: LabPlace,
    probe: (address: string, port: number) => Promise<Reached>,
    shape: RegistryShape,
  ) {
    this.#port = shape.port ?? 5_000
    this.#place = place
    this.#probe = probe
    this.address = `${place.address}:${this.#port}`
    this.credentials = shape.auth === true ? CREDENTIALS : undefined
    const dir = join(labDir, `registry-${this.#port}`)
    mkdirSync(dir)
    this.#config = join(dir, 'config.json')
    writeFileSync(join(dir, 'htpasswd'), HTPASSWD)
    writeFileSync(this.#config, JSON.stringify(configuration(dir, this.address, shape.auth)))
  }

  get log(): string {
    return this.#log
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) throw new Error('Cannot start the registry: it runs')
    const [command = '', ...rest] = [
      ...this.#place.prefix,
      'docker-registry',
      'serve',
      this.#config,
    ]
    const server = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString('utf8')
    }
    server.stdout?.on('data', keep)
    server.stderr?.on('data', keep)
    this.#server = server
    await until(async () => {
      if (server.exitCode !== null) throw new Error(`the registry ended: ${this.#log}`)
      return (await this.#probe(this.#place.address, this.#port)) === 'open'
    })
  }

  /** Keeps what was pushed; `start` serves it again. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await ended
  }

  /** Pushes an image of a host under a name such as `web:1`, and answers its whole reference. */
  async push(host: LabHost, image: string, name: string): Promise<string> {
    const reference = `${this.address}/${name}`
    await host.docker(['tag', image, reference])
    await this.login(host)
    await host.docker(['push', reference])
    // What is there already would not have to be pulled.
    await host.docker(['rmi', reference])
    return reference
  }

  /** Lets the engine of a host pull, as `docker login` does. */
  async login(host: LabHost): Promise<void> {
    if (this.credentials === undefined) return
    const { username, password } = this.credentials
    await host.docker(['login', '--username', username, '--password', password, this.address])
  }
}

function configuration(dir: string, address: string, auth = false): unknown {
  const realm = { realm: 'lab', path: join(dir, 'htpasswd') }
  return {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: { addr: address },
    ...(auth ? { auth: { htpasswd: realm } } : {}),
  }
}
