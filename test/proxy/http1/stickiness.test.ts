import { afterEach, expect, test } from 'vitest'
import type { RouteFragment } from '../../../shared/model.ts'
import { fragmentOf, publish } from '../../support/published.ts'
import { type HeldReplica, heldReplica } from '../support/held-replica.ts'
import { closeAll, onEachTransport, type Rig, startRig } from '../support/rig.ts'

afterEach(closeAll)

/** By turns, so that whoever is not tied to a replica soon meets another. */
const BY_COOKIE = { policy: 'round-robin', sticky: 'cookie' } as const
const BY_ADDRESS = { policy: 'round-robin', sticky: 'client-ip' } as const

async function replicas(count: number): Promise<HeldReplica[]> {
  return Promise.all(Array.from({ length: count }, () => heldReplica({ holds: false })))
}

function table(
  { traffic }: Rig,
  list: readonly HeldReplica[],
  balance: RouteFragment['balance'] & object = BY_COOKIE,
): void {
  const ports = list.map(({ port }) => port)
  publish(traffic, [fragmentOf('web', ports, { balance })])
}

/** A client that keeps its cookies. */
class Visitor {
  cookie = ''
  /** How often it was given one. */
  given = 0
  readonly #url: string

  constructor({ url }: Rig) {
    this.#url = `${url}/s/web`
  }

  /** Answers who answered. */
  async visit(): Promise<string> {
    const answer = await fetch(this.#url, { headers: { cookie: `other=1; ${this.cookie}` } })
    const [given] = answer.headers.getSetCookie()
    if (given !== undefined) {
      this.given += 1
      this.cookie = given.split(';')[0] ?? ''
    }
    return answer.text()
  }

  /** Answers all who answered, each once. */
  async visits(times: number): Promise<ReadonlySet<string>> {
    const who = new Set<string>()
    for (let time = 0; time < times; time += 1) who.add(await this.visit())
    return who
  }
}

onEachTransport(() => {
  test('a client by cookie is given it once, for all paths and no script', async () => {
    const rig = await startRig({})
    table(rig, await replicas(3))
    const first = await fetch(`${rig.url}/s/web`)
    const id = await first.text()
    expect(first.headers.getSetCookie()).toEqual([
      `orchestrify-replica-web=${id}; Path=/; HttpOnly; SameSite=Lax`,
    ])
  })

  test('clients by cookie stay on the replica that answered first, whichever it is', async () => {
    const rig = await startRig({})
    table(rig, await replicas(4))
    const homes = new Set<string>()
    for (let client = 0; client < 8; client += 1) {
      const visitor = new Visitor(rig)
      const home = await visitor.visit()
      homes.add(home)
      expect(await visitor.visits(6)).toEqual(new Set([home]))
      expect(visitor.given).toBe(1)
    }
    expect(homes.size).toBe(4)
  })

  test('a client by cookie stays where it is when replicas are added or others leave', async () => {
    const rig = await startRig({})
    const [own, other, ...more] = await replicas(6)
    if (own === undefined || other === undefined) throw new Error('there are six')
    table(rig, [own])
    const visitor = new Visitor(rig)
    await visitor.visit()
    table(rig, [...more, other, own])
    expect(await visitor.visits(6)).toEqual(new Set([own.id]))
    table(rig, [...more, own])
    expect(await visitor.visits(6)).toEqual(new Set([own.id]))
    expect(visitor.given).toBe(1)
  })

  test('a client by cookie moves when its replica is gone, is told once, and stays there', async () => {
    const rig = await startRig({})
    const [own, ...others] = await replicas(4)
    if (own === undefined) throw new Error('there are four')
    table(rig, [own])
    const visitor = new Visitor(rig)
    await visitor.visit()
    table(rig, others)
    const moved = await visitor.visit()
    expect(others.map(({ id }) => id)).toContain(moved)
    expect(await visitor.visits(6)).toEqual(new Set([moved]))
    table(rig, [own, ...others])
    expect(await visitor.visits(6)).toEqual(new Set([moved]))
    expect(visitor.given).toBe(2)
  })

  test('the clients of a replica that is gone are shared among all others', async () => {
    const rig = await startRig({})
    const [own, ...others] = await replicas(4)
    if (own === undefined) throw new Error('there are four')
    table(rig, [own])
    const visitors = Array.from({ length: 9 }, () => new Visitor(rig))
    for (const visitor of visitors) await visitor.visit()
    table(rig, others)
    for (const visitor of visitors) await visitor.visit()
    expect(others.map(({ asked }) => asked.length)).toEqual([3, 3, 3])
  })

  test('a cookie that names no replica ties to none', async () => {
    const rig = await startRig({})
    table(rig, await replicas(2))
    const visitor = new Visitor(rig)
    visitor.cookie = 'orchestrify-replica-web=nobody'
    const home = await visitor.visit()
    expect(visitor.cookie).toBe(`orchestrify-replica-web=${home}`)
    expect(await visitor.visits(4)).toEqual(new Set([home]))
  })

  test('clients by address stay on one replica, and are given no cookie', async () => {
    const rig = await startRig({})
    const all = await replicas(5)
    table(rig, all, BY_ADDRESS)
    const visitor = new Visitor(rig)
    const [home, ...rest] = await visitor.visits(8)
    expect(rest).toEqual([])
    expect(visitor.given).toBe(0)
    table(
      rig,
      all.filter(({ id }) => id !== home),
      BY_ADDRESS,
    )
    const [moved, ...more] = await visitor.visits(8)
    expect(more).toEqual([])
    expect(moved).not.toBe(home)
    table(rig, all, BY_ADDRESS)
    expect(await visitor.visits(8)).toEqual(new Set([home]))
  })
})
