import { expect, test } from 'vitest'
import { Desk, type DeskOptions } from './support/desk.ts'
import { Ticket } from './support/ticket.ts'

function taught(options: DeskOptions = {}): Desk {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 2, ...options })
  for (const id of ['a', 'b']) desk.teach(id, 10)
  return desk
}

function sent(desk: Desk): Ticket {
  const ticket = new Ticket('request', desk.nowMs)
  const placed = desk.queue.arrive(ticket, desk.nowMs)
  if (typeof placed !== 'string') ticket.tried.add(placed.id)
  return ticket
}

test('hedgeAfterMs is longer than what is usual, and infinite while nobody knows', () => {
  expect(new Desk({ replicas: ['a', 'b'] }).queue.hedgeAfterMs).toBe(Number.POSITIVE_INFINITY)
  const { hedgeAfterMs } = taught().queue
  expect([hedgeAfterMs > 18, hedgeAfterMs < 22]).toEqual([true, true])
  const off = taught({ rules: { hedging: false } })
  expect(off.queue.hedgeAfterMs).toBe(Number.POSITIVE_INFINITY)
})

test('hedge() takes another replica that has room', () => {
  const desk = taught()
  const ticket = sent(desk)
  const [first = ''] = ticket.tried
  const second = desk.queue.hedge(ticket, 20)
  expect(second?.id).toBe(first === 'a' ? 'b' : 'a')
  expect(second?.inFlight).toBe(1)
})

test('hedge() takes nobody who is full, slow or all there is', () => {
  const full = taught({ permits: 1 })
  const ticket = sent(full)
  sent(full)
  expect(full.queue.hedge(ticket, 20)).toBeUndefined()
  const slow = taught()
  const [first = ''] = sent(slow).tried
  slow.teach(first === 'a' ? 'b' : 'a', 100)
  const own = new Ticket('own')
  own.tried.add(first)
  expect(slow.queue.hedge(own, 20)).toBeUndefined()
  const alone = new Desk({ replicas: ['a'], permits: 9 })
  alone.teach('a', 10)
  expect(alone.queue.hedge(sent(alone), 20)).toBeUndefined()
})

test('hedge() spends no more than its share of the requests', () => {
  const desk = taught({ permits: 10_000 })
  let hedged = 0
  for (let at = 0; at < 1_000; at += 1) {
    if (desk.queue.hedge(sent(desk), 20) !== undefined) hedged += 1
  }
  // What is saved up at the start, and five of a hundred.
  expect([hedged > 55, hedged <= 60]).toEqual([true, true])
})

test('hedge() is only for those that sit in a stall while permits are a guess', () => {
  const desk = new Desk({ replicas: ['a', 'b'] })
  for (const id of ['a', 'b']) desk.teach(id, 10)
  const ticket = sent(desk)
  desk.nowMs = 100
  expect(desk.queue.hedge(ticket, 100)).toBeUndefined()
  expect(desk.queue.hedgeAfterMs).toBeCloseTo(250, 0)
  expect(desk.queue.hedge(ticket, 250)).toBeDefined()
})

test('hedgeBeside() takes only a fast replica that has nothing else to do, where nothing is known', () => {
  const desk = taught({ permits: 9 })
  const ticket = sent(desk)
  const [first = ''] = ticket.tried
  const other = first === 'a' ? 'b' : 'a'
  expect(desk.queue.hedgeBeside(ticket, 20)?.id).toBe(other)
  const next = new Ticket('next')
  next.tried.add(first)
  expect(desk.queue.hedgeBeside(next, 20)).toBeUndefined()
  const slow = taught()
  const [own = ''] = sent(slow).tried
  slow.teach(own === 'a' ? 'b' : 'a', 100)
  const late = new Ticket('late')
  late.tried.add(own)
  expect(slow.queue.hedgeBeside(late, 20)).toBeUndefined()
})

test('hedgeBeside() takes one that has something to do where that disturbs nobody', () => {
  const desk = taught({ permits: 9 })
  for (const id of ['a', 'b']) for (const crowd of [1, 2]) desk.teach(id, 10, 60, crowd)
  const first = sent(desk)
  const second = sent(desk)
  expect(new Set([...first.tried, ...second.tried])).toEqual(new Set(['a', 'b']))
  expect(desk.queue.hedgeBeside(first, 20)?.id).toBe([...second.tried][0])
  // With two it has no room for a third one, as far as anybody knows.
  expect(desk.queue.hedgeBeside(new Ticket('other'), 20)?.id).toBe([...first.tried][0])
  expect(desk.queue.hedgeBeside(new Ticket('more'), 20)).toBeUndefined()
})

test('hedgeBesideAfterMs leaves a second answer time to meet the objective', () => {
  const { hedgeBesideAfterMs, hedgeAfterMs } = taught().queue
  expect(hedgeBesideAfterMs).toBeGreaterThanOrEqual(9)
  expect(Number.isFinite(hedgeBesideAfterMs)).toBe(true)
  expect(hedgeAfterMs).toBeGreaterThan(0)
  const off = taught({ rules: { hedging: false } })
  expect(off.queue.hedgeBesideAfterMs).toBe(Number.POSITIVE_INFINITY)
})
