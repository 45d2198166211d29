/** Ours with a master that adds one replica after the other while requests come. */
import { systemClock } from '../../../shared/clock.ts'
import { fragmentOf } from '../../support/published.ts'
import { type OursOptions, startOursWith } from '../peers/ours.ts'
import type { Stand } from '../peers/stand.ts'
import { RouteMaster } from '../proxy/route-master.ts'
import type { Entry } from './contest.ts'

const EVERY_MS = 5_000

export interface Joining {
  /** How many are there from the beginning. */
  readonly first: number
  readonly name: string
  readonly flags: readonly string[]
}

export function joiningEntry(stand: Stand, { first, name, flags }: Joining): Entry {
  return async (upstreams) => {
    const master = await RouteMaster.start()
    const publish = (count: number): void => {
      master.publish([fragmentOf('web', upstreams.slice(0, count), { routes: [{ path: '/' }] })])
    }
    publish(first)
    const ending = new AbortController()
    const contender = await following(stand, master, { name, flags })
    return Object.assign(contender, {
      counted: async () => {
        for (let count = first + 1; count <= upstreams.length; count += 1) {
          await systemClock.sleep(EVERY_MS, ending.signal)
          publish(count)
        }
      },
      over: async () => {
        ending.abort()
        await master.stop()
      },
    })
  }
}

async function following(stand: Stand, master: RouteMaster, options: OursOptions) {
  try {
    const contender = await startOursWith(stand, ['--master-ip', master.url], options)
    await master.acknowledged()
    return contender
  } catch (error) {
    await master.stop()
    throw error
  }
}
