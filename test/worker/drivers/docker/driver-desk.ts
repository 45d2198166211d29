/** One Docker host with a small image, and drivers that a test talks to. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../../shared/clock.ts'
import type { AssignedReplica } from '../../../../shared/protocol.ts'
import type { DockerDriver } from '../../../../worker/drivers/docker/docker-driver.ts'
import { openDockerDriver } from '../../../../worker/drivers/docker/open-docker-driver.ts'
import type { News, Running } from '../../../../worker/drivers/driver.ts'
import { output } from '../../../support/command.ts'
import { Lab } from '../../../support/lab.ts'
import type { LabHost } from '../../../support/lab-host.ts'
import { assignedReplica } from '../../support/assigned.ts'
import { RecordedLog } from '../../support/recorded-log.ts'

export const IMAGE = 'tiny:1'
/** The address of the host's own; a port published there is published nowhere else. */
export const HOST = '10.77.0.11'
export const NODE = 'node-1'

export interface Watched {
  readonly driver: DockerDriver
  readonly log: RecordedLog
  readonly news: News[]
  close(): Promise<void>
}

export class DriverDesk {
  readonly lab: Lab
  readonly host: LabHost
  readonly #open = new Set<Watched>()
  #port = 20_000
  #replica = 0

  private constructor(lab: Lab) {
    this.lab = lab
    this.host = lab.host('w1')
  }

  static async open(): Promise<DriverDesk> {
    const lab = await Lab.start({ hosts: 1 })
    const sleeping = 'CMD ["/bin/sh", "-c", "exec sleep 1000"]'
    await lab.importImage(lab.host('w1'), IMAGE, 'busybox', [sleeping, 'EXPOSE 7000'])
    return new DriverDesk(lab)
  }

  /** A driver as a worker has one; of the same node as every other unless it is said otherwise. */
  driver(changes: { node?: string; epoch?: number; socket?: string } = {}): Watched {
    const { node = NODE, epoch = 7, socket = this.host.socketPath } = changes
    const log = new RecordedLog()
    const surroundings = () => ({ node, host: HOST, epoch })
    const dockerHost = `unix://${socket}`
    const environment = { HOME: this.lab.dir }
    const driver = openDockerDriver({
      ...{ dockerHost, environment, clock: systemClock, log, surroundings },
    })
    const news: News[] = []
    const ending = new AbortController()
    const watching = driver.watch((one) => news.push(one), ending.signal)
    const close = async (): Promise<void> => {
      this.#open.delete(watched)
      ending.abort()
      await watching
      await driver.close()
    }
    const watched = { driver, log, news, close }
    this.#open.add(watched)
    return watched
  }

  /** A replica of its own that runs this script. */
  replica(script: string, changes: Partial<AssignedReplica> = {}): AssignedReplica {
    this.#replica += 1
    const replica = `${String(this.#replica).padStart(8, '0')}-aaaa-bbbb`
    const command = ['/bin/sh', '-c', script]
    return assignedReplica({ replica, image: IMAGE, command, stopGraceMs: 2_000, ...changes })
  }

  async start(
    { driver }: Watched,
    assigned: AssignedReplica,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Running> {
    const onProgress = (): void => undefined
    return await driver.start({ assigned, port: this.port(), onProgress }, signal)
  }

  port(): number {
    this.#port += 1
    return this.#port
  }

  async docker(...argv: readonly string[]): Promise<string> {
    return (await this.host.docker(argv)).trim()
  }

  async inspect(container: string) {
    const [found] = JSON.parse(await this.docker('inspect', '--type', 'container', container))
    return found
  }

  /** Another container as that one, under the name of the replica; it is not started. */
  async create(assigned: AssignedReplica, config: object, hostConfig: object): Promise<string> {
    const name = `orchestrify-${assigned.serviceName}-${assigned.replica.slice(0, 12)}`
    const body = JSON.stringify({ ...config, HostConfig: hostConfig })
    const url = `http://engine/containers/create?name=${name}`
    const json = ['--header', 'content-type: application/json', '--data', body]
    const socket = ['--unix-socket', this.host.socketPath]
    return JSON.parse(await output(['curl', '--silent', ...socket, ...json, url])).Id
  }

  /** An image like the small one, with something more. */
  async derive(name: string, line: string): Promise<void> {
    const folder = join(this.lab.dir, 'derived')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'Dockerfile'), `FROM ${IMAGE}\n${line}\n`)
    await this.docker('build', '--quiet', '--tag', name, folder)
  }

  /** The names of all containers that there are, ours and others'. */
  async names(): Promise<readonly string[]> {
    const said = await this.docker('ps', '--all', '--format', '{{.Names}}')
    return said.split('\n').filter((line) => line !== '')
  }

  /** Ends all drivers of a test, and removes all containers. */
  async clear(): Promise<void> {
    for (const watched of [...this.#open]) await watched.close()
    const names = await this.names()
    if (names.length > 0) await this.docker('rm', '--force', '--volumes', ...names)
  }

  async close(): Promise<void> {
    await this.lab.stop()
  }
}
