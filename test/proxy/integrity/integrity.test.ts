import { describe, expect, test } from 'vitest'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { heldBytes, openSockets } from '../../wire/support/resources.ts'
import { startSubject, subjectRows } from '../../wire/support/subject.ts'
import { ExchangeClient } from './exchange-client.ts'
import { batchesOf } from './plan.ts'
import { Replica } from './replica.ts'
import { Seeded } from './seeded.ts'

/** Exchanges per engine; `INTEGRITY_EXCHANGES` and `INTEGRITY_SEED` ask for other runs. */
const EXCHANGES = Number(process.env.INTEGRITY_EXCHANGES ?? 1_000)
const SEED = Number(process.env.INTEGRITY_SEED ?? 1)
const CLIENTS = 64
const ROUNDS = 3
const GROWTH_BYTES_MAX = 6 * 1024 * 1024
const TIMEOUT_MS = Math.max(60_000, EXCHANGES * 60)

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test(
    `carries ${EXCHANGES} random exchanges unchanged and keeps nothing of them (seed ${SEED})`,
    async () => {
      const before = openSockets()
      const random = new Seeded(SEED)
      const replicas = [new Replica(SEED + 1), new Replica(SEED + 2)]
      for (const replica of replicas) await replica.start()
      const ports = replicas.map(({ port }) => port)
      const proxy = await startSubject(subject, {
        fragments: [fragmentOf('web', ports)],
        limits: { upstreamIdleMs: 500 },
      })
      const clients = Array.from(
        { length: CLIENTS },
        (_, at) => new ExchangeClient(proxy.port, new Seeded(SEED + 10 + at)),
      )
      const held: number[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        const batches = [...batchesOf(Math.ceil(EXCHANGES / ROUNDS), random)]
        await Promise.all(
          clients.map(async (client) => {
            for (let next = batches.shift(); next !== undefined; next = batches.shift()) {
              await client.run(next)
            }
          }),
        )
        await until(() => proxy.inFlight() === 0)
        for (const { connections } of replicas) expect(connections).toBeLessThanOrEqual(CLIENTS * 2)
        for (const client of clients) client.close()
        // Idle connections to replicas are let go, those of clients are closed.
        await until(() => openSockets() <= before)
        held.push(await heldBytes())
      }
      expect(clients.flatMap(({ wrong }) => wrong)).toEqual([])
      // A body that its client left half way ends as an error, never as a whole one.
      expect(replicas.flatMap(({ wrong }) => wrong)).toEqual([])
      const sum = (key: 'whole' | 'cut' | 'left' | 'reused'): number =>
        clients.reduce((total, client) => total + client[key], 0)
      expect(sum('whole')).toBeGreaterThan(EXCHANGES * 0.7)
      for (const key of ['cut', 'left', 'reused'] as const) expect(sum(key)).toBeGreaterThan(0)
      expect((held.at(-1) ?? 0) - (held[0] ?? 0)).toBeLessThan(GROWTH_BYTES_MAX)
      await proxy.close()
      for (const replica of replicas) await replica.stop()
    },
    TIMEOUT_MS,
  )
})
