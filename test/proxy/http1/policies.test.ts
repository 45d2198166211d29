import { afterEach, expect, test } from 'vitest'
import type { BalancePolicy } from '../../../shared/model.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { type HeldReplica, heldReplica } from '../support/held-replica.ts'
import { closeAll, onEachTransport, rawUpstream, startRig } from '../support/rig.ts'

afterEach(closeAll)

/** Replicas of these weights, behind a proxy whose time stands still. */
async function stage(policy: BalancePolicy, weights: readonly number[], holds = false) {
  const clock = new FakeClock()
  const replicas = await Promise.all(weights.map(() => heldReplica({ holds })))
  const rig = await startRig({}, {}, { nowMs: () => clock.nowMs() })
  const ports = replicas.map(({ port }) => port)
  const { endpoints, ...web } = fragmentOf('web', ports, { balance: { policy, sticky: 'none' } })
  const weighed = endpoints.map((one, at) => ({ ...one, weight: weights[at] ?? 1 }))
  publish(rig.traffic, [{ ...web, endpoints: weighed }])
  return { ...rig, clock, replicas, web: `${rig.url}/s/web` }
}

async function ask(url: string, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) expect((await fetch(url)).status).toBe(200)
}

function counts(replicas: readonly HeldReplica[]): readonly number[] {
  return replicas.map(({ asked }) => asked.length)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** So many requests, one after the other, which all stay. */
async function hold(url: string, replicas: readonly HeldReplica[], times: number) {
  const answers: Promise<Response>[] = []
  for (let time = 0; time < times; time += 1) {
    const before = sum(counts(replicas))
    answers.push(fetch(url))
    await until(() => sum(counts(replicas)) > before)
  }
  return answers
}

async function finish(
  replicas: readonly HeldReplica[],
  answers: readonly Promise<Response>[],
): Promise<void> {
  for (const replica of replicas) replica.answerAll()
  for (const answer of answers) expect((await answer).status).toBe(200)
}

interface Sick {
  readonly id: string
  mood: 'dies' | 'holds' | 'answers'
  asked: number
  /** Answers what it held. */
  answer(): void
}

/** A replica that works beside one that does not, each asked in its turn. */
async function ailing() {
  const clock = new FakeClock()
  const well = await heldReplica({ holds: false })
  const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell'
  const port = await rawUpstream((socket) => {
    socket.on('data', () => {
      sick.asked += 1
      if (sick.mood === 'dies') socket.destroy()
      else if (sick.mood === 'holds') sick.answer = () => socket.write(bytes)
      else socket.write(bytes)
    })
  })
  const sick: Sick = { id: `web-${port}`, mood: 'dies', asked: 0, answer: () => undefined }
  const rig = await startRig({}, {}, { nowMs: () => clock.nowMs() })
  const balance = { policy: 'round-robin', sticky: 'none' } as const
  publish(rig.traffic, [fragmentOf('web', [port, well.port], { balance })])
  return { clock, sick, web: `${rig.url}/s/web`, avoided: () => rig.traffic.avoided }
}

onEachTransport(() => {
  test.each([
    { policy: 'queue', weights: [1, 1, 1], expected: [4, 4, 4] },
    { policy: 'round-robin', weights: [1, 1, 1], expected: [4, 4, 4] },
    { policy: 'round-robin', weights: [3, 2, 1], expected: [6, 4, 2] },
    { policy: 'least-connections', weights: [1, 1, 1], expected: [4, 4, 4] },
  ] as const)('$policy gives one after the other to weights $weights', async (row) => {
    const { web, replicas } = await stage(row.policy, row.weights)
    await ask(web, 12)
    expect(counts(replicas)).toEqual(row.expected)
  })

  test.each([
    { policy: 'queue', weights: [1, 1, 1], expected: [4, 4, 4] },
    { policy: 'queue', weights: [4, 1, 1], expected: [8, 2, 2] },
    { policy: 'round-robin', weights: [2, 1, 1], expected: [6, 3, 3] },
    { policy: 'least-connections', weights: [1, 1, 1], expected: [4, 4, 4] },
    { policy: 'least-connections', weights: [4, 1, 1], expected: [8, 2, 2] },
    { policy: 'p2c', weights: [1, 1], expected: [6, 6] },
  ] as const)('$policy shares what stays among weights $weights', async (row) => {
    const { web, replicas } = await stage(row.policy, row.weights, true)
    const answers = await hold(web, replicas, 12)
    expect(counts(replicas)).toEqual(row.expected)
    await finish(replicas, answers)
  })

  test.each(['least-connections', 'p2c', 'queue'] as const)(
    '%s gives nothing to one of two that is busy',
    async (policy) => {
      const { web, replicas } = await stage(policy, [1, 1], true)
      const answers = await hold(web, replicas, 1)
      const [busy] = replicas.filter(({ atOnce }) => atOnce === 1)
      for (const replica of replicas) replica.holds = replica === busy
      await ask(web, 8)
      expect(busy?.asked).toHaveLength(1)
      await finish(replicas, answers)
    },
  )

  test('round-robin gives a busy one its turn all the same', async () => {
    const { web, replicas } = await stage('round-robin', [1, 1], true)
    await finish(replicas, await hold(web, replicas, 8))
    expect(counts(replicas)).toEqual([4, 4])
  })

  test('peak-ewma gives nothing to the slower of two', async () => {
    const clock = new FakeClock()
    const slow = await heldReplica({ holds: false, work: () => clock.advance(50) })
    const fast = await heldReplica({ holds: false, work: () => clock.advance(1) })
    const rig = await startRig({}, {}, { nowMs: () => clock.nowMs() })
    const balance = { policy: 'peak-ewma', sticky: 'none' } as const
    publish(rig.traffic, [fragmentOf('web', [slow.port, fast.port], { balance })])
    await ask(`${rig.url}/s/web`, 20)
    expect(counts([slow, fast])).toEqual([1, 19])
  })

  test('a replica that fails is left out, tried again after ever longer, and comes back', async () => {
    const { web, clock, sick, avoided } = await ailing()
    await ask(web, 14)
    expect(sick.asked).toBe(5)
    expect(avoided()).toEqual([sick.id])
    await clock.advance(999)
    await ask(web, 4)
    expect(sick.asked).toBe(5)
    await clock.advance(1)
    await ask(web, 6)
    expect(sick.asked).toBe(6)
    await clock.advance(1_999)
    await ask(web, 4)
    expect(sick.asked).toBe(6)
    sick.mood = 'answers'
    await clock.advance(1)
    await ask(web, 8)
    expect(avoided()).toEqual([])
    expect(sick.asked).toBeGreaterThan(8)
  })

  test('one request alone tries a replica that was left out', async () => {
    const { web, clock, sick, avoided } = await ailing()
    await ask(web, 14)
    sick.mood = 'holds'
    await clock.advance(1_000)
    const trial = Array.from({ length: 8 }, () => fetch(web))
    await until(() => sick.asked === 6)
    await ask(web, 8)
    expect(sick.asked).toBe(6)
    expect(avoided()).toEqual([sick.id])
    sick.answer()
    for (const answer of trial) expect((await answer).status).toBe(200)
    expect(avoided()).toEqual([])
  })

  test('no replica is left out while all fail', async () => {
    const sick = await Promise.all(
      [1, 2].map(() => rawUpstream((socket) => socket.once('data', () => socket.destroy()))),
    )
    const rig = await startRig({ web: sick })
    for (let round = 0; round < 12; round += 1) {
      expect((await fetch(`${rig.url}/s/web`)).status).toBe(502)
    }
    expect(rig.traffic.avoided.length).toBeLessThanOrEqual(1)
  })
})
