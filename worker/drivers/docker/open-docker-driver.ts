/** Puts the docker driver together; it needs no engine for that. */
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import { DockerDriver, type Surroundings } from './docker-driver.ts'
import { openEngine } from './engine.ts'
import { engineAddress } from './engine-address.ts'
import { createImages } from './images.ts'
import { dockerConfigDirectory, openRegistryCredentials } from './registry-credentials.ts'
import { Trouble } from './trouble.ts'
import { createUsage } from './usage.ts'

export interface DockerDriverOptions {
  /** What `DOCKER_HOST` means; the environment's own without it. */
  readonly dockerHost?: string | undefined
  /** The folder of Docker's config.json. */
  readonly dockerConfig?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly log: Log
  readonly surroundings: () => Surroundings
}

const PING_DEADLINE_MS = 2_000

/** Throws for an address that cannot be one. */
export function openDockerDriver(options: DockerDriverOptions): DockerDriver {
  const { environment, clock, log, surroundings } = options
  const address = engineAddress(options.dockerHost, environment)
  const engine = openEngine({ address, onOutcome: (failure) => trouble.note(failure) })
  const ping = (): Promise<unknown> => engine.ping(PING_DEADLINE_MS)
  const trouble = new Trouble({ address: address.shown, clock, log, ping })
  const directory = options.dockerConfig ?? dockerConfigDirectory(environment)
  const credentials = openRegistryCredentials({ directory, log, environment })
  const images = createImages({ engine, credentials, clock, log })
  const usage = createUsage({ engine, clock, log })
  return new DockerDriver({ engine, trouble, images, usage, clock, log, surroundings })
}
