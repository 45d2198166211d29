/** Which driver runs replicas here: fixed when the worker first joins, and kept with what it offers. */
import { join } from 'node:path'
import type { Clock } from '../shared/clock.ts'
import { conflict, RequestError, sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Capacity, DriverName } from '../shared/model.ts'
import type { WorkerConfig } from './config.ts'
import { openDockerDriver } from './drivers/docker/open-docker-driver.ts'
import type { Driver } from './drivers/driver.ts'
import { ProcessDriver } from './drivers/process/process-driver.ts'
import { KeptFile } from './kept-file.ts'
import { type KeptDriver, keptDriverSchema } from './shapes.ts'

export interface DriverSurroundings {
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  /** What becomes known only with the first join. */
  readonly surroundings: () => {
    readonly node: string
    readonly host: string
    readonly epoch: number
    readonly environment: Readonly<Record<string, string | undefined>>
  }
}

export interface OpenDriver {
  readonly driver: Driver
  /** What it offers now, or offered last while the runtime does not answer. */
  capacity(): Promise<Capacity>
}

export async function openDriver(
  config: Pick<WorkerConfig, 'driver' | 'dockerHost' | 'dockerConfig'>,
  around: DriverSurroundings,
): Promise<OpenDriver> {
  const file = new KeptFile(join(around.directory, 'driver.json'), keptDriverSchema, around.log)
  const kept = await file.read()
  const open = (name: DriverName): Driver => create(name, config, around)
  const driver = await choose(config.driver, kept, open)
  let last = kept?.capacity ?? (await firstCapacity(driver))
  await file.write({ driver: driver.name, capacity: last })
  const capacity = async (): Promise<Capacity> => {
    if (driver.trouble !== undefined) return last
    last = await driver.capacity().catch(() => last)
    await file.write({ driver: driver.name, capacity: last })
    return last
  }
  return { driver, capacity }
}

/** Without an engine a first start says so at once; later ones wait for it to come back. */
async function firstCapacity(driver: Driver): Promise<Capacity> {
  try {
    return await driver.capacity()
  } catch (error) {
    await driver.close()
    const remedy = 'start it, name another with --docker-host, or take --driver process'
    throw new RequestError(503, 'NO_ENGINE', `${sentenceOf(error)}; ${remedy}`)
  }
}

async function choose(
  asked: WorkerConfig['driver'],
  kept: KeptDriver | undefined,
  open: (name: DriverName) => Driver,
): Promise<Driver> {
  if (kept !== undefined) {
    if (asked !== 'auto' && asked !== kept.driver) throw changed(asked, kept.driver)
    return open(kept.driver)
  }
  if (asked !== 'auto') return open(asked)
  const docker = open('docker')
  const answers = await docker.capacity().then(
    () => true,
    () => false,
  )
  if (answers) return docker
  await docker.close()
  return open('process')
}

function changed(asked: DriverName, kept: DriverName): Error {
  const remedy = 'delete the node and its data directory first'
  return conflict(`Cannot use the ${asked} driver: this worker joined with ${kept}; ${remedy}`)
}

function create(
  name: DriverName,
  { dockerHost, dockerConfig }: Pick<WorkerConfig, 'dockerHost' | 'dockerConfig'>,
  { directory, clock, log, surroundings }: DriverSurroundings,
): Driver {
  if (name === 'process') {
    return new ProcessDriver({ directory: join(directory, 'replicas'), clock, log, surroundings })
  }
  const { environment } = surroundings()
  return openDockerDriver({ dockerHost, dockerConfig, environment, clock, log, surroundings })
}
