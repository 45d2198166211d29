import { afterEach, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { type HeldReplica, heldReplica } from '../support/held-replica.ts'
import { closeAll, onEachTransport, startRig } from '../support/rig.ts'

afterEach(closeAll)

const USUAL_MS = 10
const STALL_MS = 300

/** Replicas that are known to take the usual time, and from now on answer nothing by themselves. */
async function stage(count: number, flags: readonly string[] = []) {
  const clock = new FakeClock()
  const work = (): Promise<void> => clock.advance(USUAL_MS)
  const replicas = await Promise.all(
    Array.from({ length: count }, () => heldReplica({ holds: false, work })),
  )
  const rig = await startRig({}, {}, { flags, nowMs: () => clock.nowMs() })
  const ports = replicas.map(({ port }) => port)
  const web = fragmentOf('web', ports)
  const idle = fragmentOf('idle', [], { comes: true })
  publish(rig.traffic, [web, idle])
  for (let round = 0; round < 60; round += 1) await (await fetch(`${rig.url}/s/web`)).text()
  for (const replica of replicas) {
    replica.asked.length = 0
    replica.holds = true
  }
  rig.traffic.meter.cut(clock.nowMs())
  return { ...rig, clock, replicas, total: rig.traffic.totals.of('id-web', 'web') }
}

/** The one that has it, and the others. */
async function parted(
  replicas: readonly HeldReplica[],
): Promise<readonly [HeldReplica, readonly HeldReplica[]]> {
  const busy = await until(() => replicas.find(({ atOnce }) => atOnce > 0))
  return [busy, replicas.filter((replica) => replica !== busy)]
}

function askedOf(replicas: readonly HeldReplica[], method: string): number {
  const asked = replicas.flatMap((replica) => replica.asked)
  return asked.filter((request) => request.startsWith(method)).length
}

onEachTransport(() => {
  test('a second replica is asked when one stalls, and the first is given up', async () => {
    const { url, clock, replicas, total, traffic } = await stage(2)
    const asked = fetch(`${url}/s/web`)
    const [stalled, [other]] = await parted(replicas)
    if (other === undefined) throw new Error('there are two')
    other.holds = false
    await clock.advance(STALL_MS)
    expect(await (await asked).text()).toBe(other.id)
    await until(() => stalled.givenUp === 1)
    await until(() => traffic.inFlight.size === 0)
    expect(total.hedges).toBe(1)
    const [measured] = traffic.meter.cut(clock.nowMs())
    expect(measured).toMatchObject({ arrivals: 1, errors: 0 })
    expect(measured?.latency.sumMs).toBeCloseTo(STALL_MS + USUAL_MS, 0)
  })

  test('the first may still win, and the second is given up', async () => {
    const { url, clock, replicas, traffic } = await stage(2)
    const asked = fetch(`${url}/s/web`)
    const [stalled, [other]] = await parted(replicas)
    if (other === undefined) throw new Error('there are two')
    await clock.advance(STALL_MS)
    await until(() => other.atOnce === 1)
    stalled.answerAll()
    expect(await (await asked).text()).toBe(stalled.id)
    await until(() => other.givenUp === 1 && traffic.inFlight.size === 0)
  })

  test('what must not be done twice is asked of one replica alone', async () => {
    const { url, clock, replicas, total } = await stage(3)
    const post = fetch(`${url}/s/web`, { method: 'POST', body: 'pay' })
    const [first, others] = await parted(replicas)
    const read = fetch(`${url}/s/web`)
    const [second, [third]] = await parted(others)
    if (third === undefined) throw new Error('there are three')
    third.holds = false
    await clock.advance(STALL_MS)
    // The tick that has this one asked of another sees the other one, too.
    expect(await (await read).text()).toBe(third.id)
    expect(second.id).not.toBe(first.id)
    expect(askedOf(replicas, 'POST')).toBe(1)
    expect(total.hedges).toBe(1)
    first.answerAll()
    expect(await (await post).text()).toBe(first.id)
  })

  test('no more are asked twice than the budget allows', async () => {
    const { url, clock, replicas, total, traffic } = await stage(2)
    const answers = Array.from({ length: 12 }, async () => (await fetch(`${url}/s/web`)).status)
    await until(() => askedOf(replicas, 'GET') === 12)
    await clock.advance(STALL_MS)
    await until(() => askedOf(replicas, 'GET') === 22)
    expect(total.hedges).toBe(10)
    for (const replica of replicas) replica.answerAll()
    expect(await Promise.all(answers)).toEqual(Array(12).fill(200))
    await until(() => traffic.inFlight.size === 0)
    expect(askedOf(replicas, 'GET')).toBe(22)
  })

  test.each([
    ['--hedge-percent', '0'],
    ['--rule-off', 'hedging'],
  ])('nothing is asked twice with %s %s', async (...off) => {
    const { url, clock, replicas, total } = await stage(2, [...off, '--wait-first-max', '1s'])
    const asked = fetch(`${url}/s/web`)
    const [stalled] = await parted(replicas)
    const waits = fetch(`${url}/s/idle`)
    await until(async () => (await fetch(`${url}/nothing`)).status === 404)
    await clock.advance(1_000)
    // Both are seen to in one tick.
    await until(async () => (await waits).status === 503)
    expect(total.hedges).toBe(0)
    expect(askedOf(replicas, 'GET')).toBe(1)
    stalled.answerAll()
    expect(await (await asked).text()).toBe(stalled.id)
  })
})
