/**
 * Random scale and drain operations under an open rate of requests: replicas are real servers that
 * start before they are routed to, and are killed once their drain is acknowledged.
 */
import { systemClock } from '../../../shared/clock.ts'
import { startOursWith } from '../peers/ours.ts'
import type { Stand } from '../peers/stand.ts'
import { during, type Ended, openCrowd } from './crowd.ts'
import { Fleet } from './fleet.ts'
import { createRandom, type Random } from './random.ts'
import { RouteMaster } from './route-master.ts'

export interface OperationsPlan {
  /** The compiled server of replicas. */
  readonly program: string
  readonly operations: number
  /** From one to the next, unless one takes longer. */
  readonly everyMs: number
  readonly seed: number
}

export interface OperationsRun extends Ended {
  readonly operations: number
  readonly started: number
  readonly drained: number
}

const PER_SECOND = 500
const REPLICAS_FIRST = 3
const REPLICAS_MIN = 2
const REPLICAS_MAX = 8
const STEP_MAX = 2
/** Long enough that every drain finds requests in flight. */
const SERVICE = ['slots=64', 'mean=10000', 'sigma=0.5']

export async function scaleOperations(stand: Stand, plan: OperationsPlan): Promise<OperationsRun> {
  const { program, operations, everyMs, seed } = plan
  const master = await RouteMaster.start()
  const fleet = new Fleet({ stand, master, server: [program, ...SERVICE] })
  try {
    await fleet.grow(REPLICAS_FIRST)
    const ours = await startOursWith(stand, ['--master-ip', master.url])
    await master.acknowledged()
    const random = createRandom(seed)
    const ended = await during(openCrowd(ours.port, PER_SECOND), async () => {
      for (let done = 0; done < operations; done += 1) {
        await Promise.all([operate(fleet, random), systemClock.sleep(everyMs)])
      }
    })
    await stand.end(ours)
    return { operations, started: fleet.started, drained: fleet.drained, ...ended }
  } finally {
    await fleet.close()
    await master.stop()
  }
}

async function operate(fleet: Fleet, random: Random): Promise<void> {
  const step = random.below(STEP_MAX) + 1
  const isFull = fleet.size + step > REPLICAS_MAX
  const isSmall = fleet.size - step < REPLICAS_MIN
  const grows = isSmall || (!isFull && random.below(2) === 0)
  if (grows) await fleet.grow(step)
  else await fleet.drain(step, random)
}
