import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ReplicaId } from '../shared/model.ts'
import { type Belief, type Leftover, reconcile } from './decide/reconcile.ts'
import type { Driver, Found } from './drivers/driver.ts'

export interface CensusParts {
  readonly driver: Pick<Driver, 'list' | 'stop'>
  readonly log: Log
  /** What the worker holds true of each replica now. */
  readonly beliefs: () => ReadonlyMap<ReplicaId, Belief>
  readonly onMissed: (missed: Leftover) => void
}

/** Looks through all that the runtime has, whenever something may have happened unseen. */
export class Census {
  readonly #parts: CensusParts
  #isUnderWay = false
  #isDueAgain = false

  constructor(parts: CensusParts) {
    this.#parts = parts
  }

  /** One at a time; what asks meanwhile gets another one after it. */
  async take(): Promise<void> {
    this.#isDueAgain = true
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    while (this.#isDueAgain) {
      this.#isDueAgain = false
      await this.#takeOne()
    }
    this.#isUnderWay = false
  }

  async #takeOne(): Promise<void> {
    const { driver, beliefs, onMissed, log } = this.#parts
    const before = beliefs()
    const found = await listed(driver)
    if (found === undefined) return
    const { missed, strays } = reconcile(found, steady(before, beliefs(), found))
    for (const each of missed) onMissed(each)
    for (const replica of strays) {
      log.info('stray replica is removed', { replica })
      await driver.stop(replica, 0).catch((error: unknown) => {
        log.warn('stray replica cannot be removed yet', { replica, reason: sentenceOf(error) })
      })
    }
  }
}

/** Undefined while the runtime does not answer: its trouble is told elsewhere. */
async function listed(driver: Pick<Driver, 'list'>): Promise<Found | undefined> {
  try {
    return await driver.list()
  } catch {
    return undefined
  }
}

/** What changed while the runtime was asked is left to those who changed it. */
function steady(
  before: ReadonlyMap<ReplicaId, Belief>,
  after: ReadonlyMap<ReplicaId, Belief>,
  { running, ended }: Found,
): ReadonlyMap<ReplicaId, Belief> {
  const all = [...before.keys(), ...after.keys(), ...[...running, ...ended].map((r) => r.replica)]
  const beliefs = new Map<ReplicaId, Belief>()
  for (const replica of all) {
    const [was, is] = [before.get(replica), after.get(replica)]
    if (was?.run !== is?.run || was?.handle !== is?.handle) beliefs.set(replica, { run: 'busy' })
    else if (is !== undefined) beliefs.set(replica, is)
  }
  return beliefs
}
