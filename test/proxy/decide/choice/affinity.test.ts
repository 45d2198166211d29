import { expect, test } from 'vitest'
import { countsOf, Desk, endpoint } from '../support/desk.ts'

const ADDRESS = { policy: 'queue', sticky: 'client-ip' } as const
const COOKIE = { policy: 'queue', sticky: 'cookie' } as const
const CLIENTS = Array.from({ length: 400 }, (_, at) => `client ${at}`)

function homes(desk: Desk): Record<string, string> {
  return Object.fromEntries(
    CLIENTS.map((client) => {
      const replica = desk.place('request', client)
      desk.end(replica)
      return [client, replica.id]
    }),
  )
}

test('a client goes to the same replica, in every proxy', () => {
  const [one, other] = [1, 2].map(() => new Desk({ replicas: ['a', 'b', 'c'], balance: ADDRESS }))
  if (one === undefined || other === undefined) throw new Error('no desks')
  const before = homes(one)
  expect(homes(one)).toEqual(before)
  expect(homes(other)).toEqual(before)
  for (const count of Object.values(countsOf(Object.values(before)))) {
    expect(count).toBeGreaterThan(100)
  }
})

test('when one leaves only its own clients move, and they come back with it', () => {
  const desk = new Desk({ replicas: ['a', 'b', 'c'], balance: ADDRESS })
  const before = homes(desk)
  desk.table([endpoint('a'), endpoint('c')])
  const without = homes(desk)
  for (const client of CLIENTS) {
    if (before[client] !== 'b') expect(without[client]).toBe(before[client])
  }
  desk.table([endpoint('c'), endpoint('b'), endpoint('a')])
  expect(homes(desk)).toEqual(before)
})

test('clients are shared by weight', () => {
  const endpoints = [endpoint('a'), endpoint('b', { weight: 3 })]
  const { a = 0, b = 0 } = countsOf(Object.values(homes(new Desk({ endpoints, balance: ADDRESS }))))
  expect(b / a).toBeGreaterThan(2)
  expect(b / a).toBeLessThan(4.5)
})

test('a client waits for its own replica while others are free, but not for ever', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1, balance: ADDRESS })
  const own = desk.place('first', 'client')
  expect(desk.arrive('second', 'client')).toBe('waits')
  expect(desk.pump()).toEqual([])
  desk.nowMs = 49
  expect(desk.pump()).toEqual([])
  desk.nowMs = 50
  const other = own.id === 'a' ? 'b' : 'a'
  expect(desk.pump()).toEqual([`second > ${other}`])
  desk.end(own)
  expect(desk.arrive('third', 'client')).toBe(own)
})

test('those who wait for one replica go in their order when it is free, others elsewhere', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1, balance: ADDRESS })
  const own = desk.place('first', 'client')
  desk.arrive('second', 'client')
  desk.arrive('third', 'client')
  expect(desk.place('without an address').id).not.toBe(own.id)
  desk.end(own)
  expect(desk.pump()).toEqual([`second > ${own.id}`])
})

test('when its replica leaves or is ejected, a client goes to another one at once', () => {
  const desk = new Desk({ replicas: ['a', 'b', 'c'], permits: 1, balance: ADDRESS })
  const own = desk.place('first', 'client')
  desk.arrive('second', 'client')
  desk.table(['a', 'b', 'c'].filter((id) => id !== own.id).map((id) => endpoint(id)))
  expect(desk.pump()).toHaveLength(1)
  const failing = new Desk({ replicas: ['a', 'b', 'c'], permits: 4, balance: ADDRESS })
  const home = failing.place('first', 'client')
  failing.fail(home.id, 5)
  expect(failing.place('second', 'client').id).not.toBe(home.id)
})

test('a retry of a client goes to the next in its order', () => {
  const desk = new Desk({ replicas: ['a', 'b', 'c'], permits: 4, balance: ADDRESS })
  const [first, second] = ['first', 'second'].map((name) => desk.place(name, 'client').id)
  expect(first).toBe(second)
})

test('stickiness holds for the other policies, too', () => {
  const balance = { policy: 'round-robin', sticky: 'client-ip' } as const
  const desk = new Desk({ replicas: ['a', 'b', 'c'], permits: 1, balance })
  const places = new Set(Array.from({ length: 20 }, () => desk.place('request', '10.0.0.1').id))
  expect(places.size).toBe(1)
})

test('a cookie ties to the replica that it names, whatever else is there', () => {
  const ids = ['a', 'b', 'c', 'd']
  const desk = new Desk({ replicas: ids, balance: COOKIE })
  for (const id of ids) {
    const own = desk.place('request', id)
    expect(own.id).toBe(id)
    desk.end(own)
  }
})

test('the clients of a replica that left or is ejected are shared among the others', () => {
  const ids = ['a', 'b', 'c', 'd']
  const shares = { b: 4, c: 4, d: 4 }
  const without = new Desk({ replicas: ids.slice(1), balance: COOKIE })
  const failing = new Desk({ replicas: ids, balance: COOKIE })
  failing.fail('a', 5)
  for (const desk of [without, failing]) {
    const places = Array.from({ length: 12 }, () => desk.place('request', 'a').id)
    expect(countsOf(places)).toEqual(shares)
  }
})
