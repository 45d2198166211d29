/** One Docker host of a lab. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CommandOptions, output } from './command.ts'
import { enginePidIn } from './lab-group.ts'
import { type ImageKind, importArguments } from './lab-images.ts'

/** A place on a lab's network. */
export interface LabPlace {
  readonly name: string
  readonly address: string
  /** Stands before a program so that it runs there. */
  readonly prefix: readonly string[]
}

// The distribution's own client: another in the path may speak a newer protocol than the engine.
const DOCKER = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker'

export class LabHost implements LabPlace {
  readonly name: string
  readonly address: string
  /** What it runs is wholly inside the host: its processes, network and mounts; it dies with it. */
  readonly prefix: readonly string[]
  /** The host's own folder, at the same path inside and outside of it. */
  readonly dir: string
  readonly #labDir: string

  constructor(place: LabPlace, labDir: string) {
    this.name = place.name
    this.address = place.address
    this.prefix = place.prefix
    this.dir = join(labDir, place.name)
    this.#labDir = labDir
  }

  get socketPath(): string {
    return join(this.dir, 'docker.sock')
  }

  /** Inside the host its engine also listens at the usual place, /var/run/docker.sock. */
  get dockerHost(): string {
    return `unix://${this.socketPath}`
  }

  /** What the engine has printed since the host was made. */
  get log(): string {
    return readFileSync(join(this.dir, 'engine.log'), 'utf8')
  }

  /** The process of dockerd, seen from outside; undefined while the engine is down. */
  enginePid(): number | undefined {
    return enginePidIn(this.#labDir, this.name)
  }

  /** Asks the engine with the docker client; rejects with what that said on standard error. */
  docker(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
    // A client configuration of the lab's own: nobody's credentials are used or changed.
    const env = { DOCKER_HOST: this.dockerHost, DOCKER_CONFIG: join(this.#labDir, 'client') }
    return output([DOCKER, ...argv], { ...options, env: { ...env, ...options.env } })
  }

  /** Gives the engine an image such as `web:1`; changes are lines of a Dockerfile. */
  async importImage(
    name: string,
    kind: ImageKind = 'busybox',
    changes: readonly string[] = [],
  ): Promise<void> {
    await this.docker(['import', ...(await importArguments(kind, changes)), name])
  }
}
