import { RequestError } from '../shared/errors.ts'
import type { AssignedReplica } from '../shared/protocol.ts'
import type { Driver, Running, StartOrder } from './drivers/driver.ts'
import type { Ports } from './ports.ts'
import type { StartProgress } from './start-progress.ts'

export interface LaunchParts {
  readonly driver: Pick<Driver, 'start'>
  readonly ports: Pick<Ports, 'take' | 'bar'>
  readonly progress: Pick<StartProgress, 'tell'>
}

const PORTS_TRIED_MAX = 5

/** Starts a replica on a port of this machine; the runtime may know users of a port that we do not. */
export async function launch(
  assigned: AssignedReplica,
  parts: LaunchParts,
  signal: AbortSignal,
): Promise<Running> {
  const { driver, ports } = parts
  const { replica, hostPort } = assigned
  const onProgress: StartOrder['onProgress'] = (step) => parts.progress.tell(replica, step)
  for (let tries = 1; ; tries += 1) {
    const port = await ports.take(replica, hostPort)
    try {
      return await driver.start({ assigned, port, onProgress }, signal)
    } catch (error) {
      const isTaken = error instanceof RequestError && error.code === 'PORT_IN_USE'
      if (!isTaken || hostPort !== undefined || tries === PORTS_TRIED_MAX) throw error
      await ports.bar(replica, port)
    }
  }
}
