import { expect, test } from 'vitest'
import { countsOf, Desk, endpoint } from './support/desk.ts'
import { fragmentOf } from './support/table.ts'
import { Ticket } from './support/ticket.ts'

test('arrive() gives each replica its turn and holds who finds no permit', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 2 })
  expect(desk.picks(4)).toEqual(['a', 'b', 'a', 'b'])
  expect(desk.arrive()).toBe('waits')
  expect(desk.queue.waiting).toBe(1)
  expect(desk.queue.oldestAtMs).toBe(0)
})

test('next() lets go the oldest first, to who is free, and takes the permit', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1 })
  const [a] = [desk.place(), desk.place()]
  desk.nowMs = 1
  desk.arrive('first')
  desk.nowMs = 2
  desk.arrive('second')
  expect(desk.pump()).toEqual([])
  desk.end(a)
  expect(desk.pump()).toEqual(['first > a'])
  expect(a.inFlight).toBe(1)
  expect(desk.queue.waiting).toBe(1)
})

test('arrive() does not let anybody pass who waits already', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1 })
  const a = desk.place()
  desk.arrive('first')
  desk.end(a)
  expect(desk.arrive('second')).toBe('waits')
  expect(desk.pump()).toEqual(['first > a'])
})

test('arrive() refuses when too many wait', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1, limits: { waitingMax: 2 } })
  desk.place()
  expect([desk.arrive(), desk.arrive(), desk.arrive()]).toEqual(['waits', 'waits', 'full'])
})

test('arrive() says absent where nobody is and nobody comes', () => {
  expect(new Desk({}).arrive()).toBe('absent')
})

test('expired() takes out who waited too long, the oldest first', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1, limits: { waitMaxMs: 100 } })
  desk.place()
  desk.arrive('first')
  desk.nowMs = 50
  desk.arrive('second')
  desk.nowMs = 99
  expect(desk.expired()).toEqual([])
  desk.nowMs = 120
  expect(desk.expired()).toEqual(['first'])
  desk.nowMs = 150
  expect(desk.expired()).toEqual(['second'])
  expect(desk.queue.oldestAtMs).toBeUndefined()
})

test('requests wait for the first replica, longer than for a permit, and then go', () => {
  const limits = { waitMaxMs: 100, waitEmptyMaxMs: 1_000 }
  const desk = new Desk({ comes: true, limits, rules: { objectiveOrder: false } })
  desk.arrive('early')
  desk.nowMs = 900
  expect(desk.expired()).toEqual([])
  desk.table([endpoint('a')], false)
  desk.queue.put(new Map([['a', 1]]))
  desk.arrive('late')
  expect(desk.expired()).toEqual([])
  expect(desk.pump()).toEqual(['early > a'])
  desk.nowMs = 1_000
  expect(desk.expired()).toEqual(['late'])
})

test('expired() gives up who waits for the first replica when it takes too long, or never comes', () => {
  const desk = new Desk({ comes: true, limits: { waitEmptyMaxMs: 1_000 } })
  desk.arrive('first')
  desk.nowMs = 1_000
  desk.arrive('second')
  expect(desk.expired()).toEqual(['first'])
  desk.table([], false)
  expect(desk.expired()).toEqual(['second'])
})

test('again() goes before all others, never to who was asked already', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1 })
  const [a, b] = [desk.place(), desk.place()]
  desk.arrive('new')
  const retry = new Ticket('retry', 0)
  retry.tried.add('a')
  expect(desk.queue.again(retry, 0)).toBe('waits')
  desk.end(a)
  expect(desk.pump()).toEqual(['new > a'])
  desk.arrive('newer')
  desk.end(b)
  expect(desk.pump()).toEqual(['retry > b'])
})

test('again() says absent when all were asked; expired() tells who learns it while it waits', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1 })
  desk.picks(2)
  const retry = new Ticket('retry', 0)
  retry.tried.add('a')
  expect(desk.queue.again(retry, 0)).toBe('waits')
  desk.table([endpoint('a')])
  expect(desk.expired()).toEqual(['retry'])
  expect(desk.queue.hasOther(retry)).toBe(false)
  expect(desk.queue.again(retry, 0)).toBe('absent')
})

test('a retry that finds nobody does not hold up others', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 1 })
  const [a] = desk.picks(2).map((id) => desk.state(id))
  const retry = new Ticket('retry', 0)
  retry.tried.add('a')
  desk.queue.again(retry, 0)
  desk.arrive('other')
  if (a !== undefined) desk.end(a)
  expect(desk.pump()).toEqual(['other > a'])
})

test('cancel() takes one out wherever it waits, and nothing else', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1 })
  const a = desk.place()
  const tickets = ['0', '1', '2', '3'].map((name) => new Ticket(name, Number(name)))
  for (const ticket of tickets) desk.queue.arrive(ticket, ticket.arrivedAtMs)
  for (const at of [1, 3, 1]) desk.queue.cancel(tickets[at] ?? new Ticket('none'))
  desk.queue.cancel(new Ticket('a stranger'))
  expect(desk.queue.waiting).toBe(2)
  desk.end(a)
  expect(desk.pump()).toEqual(['0 > a'])
  desk.end(a)
  expect(desk.pump()).toEqual(['2 > a'])
  expect(desk.queue.waiting).toBe(0)
})

test('next() prefers who can still meet the objective, with every tenth for those who cannot', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1 })
  desk.teach('a', 20)
  const a = desk.place()
  for (let at = 0; at < 3; at += 1) desk.arrive(`late ${at}`)
  desk.nowMs = 90
  for (let at = 0; at < 20; at += 1) desk.arrive(`quick ${at}`)
  const order: string[] = []
  for (let at = 0; at < 23; at += 1) {
    desk.end(a)
    order.push(...desk.pump())
  }
  expect(order[9]).toBe('late 0 > a')
  expect(order[19]).toBe('late 1 > a')
  expect(order.filter((gone) => gone.startsWith('quick')).at(0)).toBe('quick 0 > a')
  expect(order.at(-1)).toBe('late 2 > a')
})

test('next() keeps to the order of arrival without that rule', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1, rules: { objectiveOrder: false } })
  const a = desk.place()
  desk.arrive('old')
  desk.nowMs = 500
  desk.arrive('new')
  desk.end(a)
  expect(desk.pump()).toEqual(['old > a'])
})

test('replicas that left get nothing new and stay until their last request ended', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 2 })
  const [a, b] = [desk.place(), desk.place()]
  desk.queue.becameLasting(b)
  desk.table([endpoint('c')])
  expect([a.routed, b.inFlight, b.lasting]).toEqual([false, 0, 1])
  expect(desk.picks(2)).toEqual(['c', 'c'])
  expect([...desk.queue.replicas.keys()]).toEqual(['a', 'b', 'c'])
  desk.end(a)
  desk.queue.endLasting(b)
  expect([...desk.queue.replicas.keys()]).toEqual(['c'])
})

test('a replica that comes back keeps what is in flight to it', () => {
  const desk = new Desk({ replicas: ['a'], permits: 2 })
  desk.place()
  desk.table([])
  desk.table([endpoint('a', { port: 2 })])
  expect([desk.state('a').inFlight, desk.state('a').endpoint.port]).toEqual([1, 2])
})

test('what lasts holds no permit, but its replica is not idle', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1 })
  const a = desk.place()
  desk.arrive('next')
  desk.queue.becameLasting(a)
  expect(desk.pump()).toEqual(['next > a'])
  desk.end(a)
  expect(desk.queue.isIdle).toBe(false)
  desk.queue.endLasting(a)
  expect(desk.queue.isIdle).toBe(true)
})

test('learned is true once every permit was learned or is given by the user', () => {
  const desk = new Desk({ replicas: ['a', 'b'] })
  const shares = (...ids: string[]): ReadonlyMap<string, number> => {
    return new Map(ids.map((id) => [id, 3]))
  }
  expect(desk.queue.learned).toBe(false)
  desk.queue.put(shares('a', 'b'))
  expect([desk.queue.learned, desk.state('b').permits]).toEqual([false, 3])
  desk.queue.put(shares('a'), true)
  expect([desk.queue.learned, desk.state('b').permits]).toEqual([false, 16])
  desk.queue.put(shares('a', 'b'), true)
  expect(desk.queue.learned).toBe(true)
  const fixed = new Desk({})
  fixed.queue.update({ ...fragmentOf([endpoint('a')]), concurrency: 5 }, 0)
  expect([fixed.queue.learned, fixed.state('a').permits]).toEqual([true, 5])
})

test('shares that are told before their replica is there hold when it comes', () => {
  const desk = new Desk({})
  desk.queue.put(new Map([['a', 3]]))
  desk.table([endpoint('a')])
  expect(desk.state('a').permits).toBe(3)
})

test('suspects are asked only when nobody else is there, or when most are suspect', () => {
  const desk = new Desk({
    endpoints: [endpoint('s', { suspect: true }), endpoint('a'), endpoint('b')],
    permits: 2,
  })
  expect(countsOf(desk.picks(4))).toEqual({ a: 2, b: 2 })
  expect(desk.arrive()).toBe('waits')
  desk.table([endpoint('s', { suspect: true })])
  expect(desk.pump()).toEqual(['request > s'])
  const most = new Desk({
    endpoints: ['a', 's', 't'].map((id) => endpoint(id, { suspect: id !== 'a' })),
    permits: 1,
  })
  expect(most.picks(3).at(0)).toBe('a')
})

test('a heavier replica gets its share more of what is in flight', () => {
  const desk = new Desk({ endpoints: [endpoint('a'), endpoint('b', { weight: 3 })], permits: 16 })
  expect(countsOf(desk.picks(8))).toEqual({ a: 2, b: 6 })
})
