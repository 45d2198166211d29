import { describe, expect, test } from 'vitest'
import { repeat, systemClock } from '../../../shared/clock.ts'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { heldBytes } from '../../wire/support/resources.ts'
import { type Running, type Subject, subjectRows } from '../../wire/support/subject.ts'
import {
  type Attacker,
  crowd,
  decentReplica,
  FINE,
  probe,
  replicaThat,
  startProxy,
} from './bad-day.ts'

const ATTACKERS = 300
/** What each may make the proxy hold, both ends of its connection included: they are all here. */
const HELD_BYTES_MAX = 64 * 1024
const DRIP_MS = 100
/** Longer than any probe may take: who is served in between did not wait for the attackers. */
const HOLD_MS = 4_500
const READERS = 40

/** Something is said by each attacker again and again until all are gone; others are served. */
async function besieged(
  proxy: Running,
  attackers: readonly Attacker[],
  drip: string,
): Promise<number> {
  const over = new AbortController()
  const dripping = repeat(
    () => {
      if (drip !== '') for (const attacker of attackers) attacker.say(drip)
    },
    DRIP_MS,
    systemClock,
    over.signal,
  )
  let probes = 0
  const isOver = (): boolean => attackers.every(({ closed }) => closed)
  const endsAtMs = systemClock.nowMs() + 20_000
  while (!isOver() && systemClock.nowMs() < endsAtMs) {
    expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
    probes += 1
    await systemClock.sleep(20)
  }
  over.abort()
  await dripping
  expect(attackers.filter(({ closed }) => !closed)).toHaveLength(0)
  return probes
}

async function fine(subject: Subject, limits: Parameters<typeof startProxy>[1]['limits'] = {}) {
  const port = await decentReplica()
  const fragments = [fragmentOf('web', [port])]
  return startProxy(subject, { fragments, limits })
}

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test(`serves others while ${ATTACKERS} clients drip their heads, and ends them in time`, async () => {
    const proxy = await fine(subject, { headersTimeoutMs: 2_000 })
    const before = await heldBytes()
    const attackers = crowd(proxy.port, ATTACKERS)
    for (const attacker of attackers) attacker.say('GET /s/web HTTP/1.1\r\nHost: t\r\nX-Slow: ')
    await until(() => attackers.every(({ socket }) => !socket.connecting))
    const held = (await heldBytes()) - before
    expect(held / ATTACKERS).toBeLessThan(HELD_BYTES_MAX)
    expect(await besieged(proxy, attackers, 'a')).toBeGreaterThan(5)
    expect(new Set(attackers.map(({ status }) => status))).toEqual(new Set([408]))
    expect(proxy.inFlight()).toBe(0)
  })

  test(`ends ${ATTACKERS} clients that connect and say nothing`, async () => {
    const proxy = await fine(subject, { headersTimeoutMs: 1_000, keepAliveMs: 1_000 })
    const attackers = crowd(proxy.port, ATTACKERS)
    expect(await besieged(proxy, attackers, '')).toBeGreaterThan(5)
  })

  test(`serves others while ${ATTACKERS} clients stop in their bodies, and ends them in time`, async () => {
    const proxy = await fine(subject, { bodyIdleMs: HOLD_MS })
    const attackers = crowd(proxy.port, ATTACKERS)
    for (const attacker of attackers) {
      attacker.say('POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nbegun')
    }
    await until(() => proxy.inFlight() > 0)
    expect(attackers.filter(({ status }) => status !== 0)).toHaveLength(0)
    await besieged(proxy, attackers, '')
    await until(() => proxy.inFlight() === 0)
  })

  test(`serves others while ${ATTACKERS} clients drip their bodies, and ends them in time`, async () => {
    const proxy = await fine(subject, { totalTimeoutMs: HOLD_MS })
    const attackers = crowd(proxy.port, ATTACKERS)
    for (const attacker of attackers) {
      attacker.say('POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nbegun')
    }
    await until(() => proxy.inFlight() > 0)
    expect(attackers.filter(({ status }) => status !== 0)).toHaveLength(0)
    await besieged(proxy, attackers, 'b')
    await until(() => proxy.inFlight() === 0)
  })

  test(`serves others while ${READERS} clients do not read their answers, and ends them in time`, async () => {
    const megabyte = Buffer.alloc(1_048_576, 'r')
    const port = await replicaThat((socket) => {
      socket.on('data', (data: Buffer) => {
        const isLarge = data.toString('latin1').startsWith('GET /large')
        if (!isLarge) return void socket.write(FINE)
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${megabyte.length * 8}\r\n\r\n`)
        let left = 8
        const push = (): void => {
          while (left > 0) {
            left -= 1
            if (!socket.write(megabyte)) return void socket.once('drain', push)
          }
        }
        push()
      })
    })
    const fragments = [fragmentOf('web', [port])]
    const proxy = await startProxy(subject, { fragments, limits: { bodyIdleMs: HOLD_MS } })
    const attackers = crowd(proxy.port, READERS)
    for (const attacker of attackers) {
      attacker.socket.pause()
      attacker.say('GET /s/web/large HTTP/1.1\r\nHost: t\r\n\r\n')
    }
    await until(() => proxy.inFlight() > 0)
    for (let round = 0; round < 10; round += 1) {
      expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
    }
    await until(() => proxy.inFlight() === 0)
  })
})
