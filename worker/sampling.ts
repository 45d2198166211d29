import type { Driver } from './drivers/driver.ts'
import type { LocalReplica } from './local-replica.ts'

/** Asks the driver what each replica uses. */
export async function sample(
  replicas: Iterable<LocalReplica>,
  driver: Pick<Driver, 'stats'>,
): Promise<void> {
  const asked = [...replicas].map(async (replica) => {
    if (replica.run !== 'alive') return
    const stats = await driver.stats(replica.assigned.replica)
    // It may have ended meanwhile.
    if (replica.run === 'alive') replica.stats = stats
  })
  await Promise.all(asked)
}
