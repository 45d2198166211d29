import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { after, repeat, systemClock } from '../../../shared/clock.ts'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { heldBytes } from '../../wire/support/resources.ts'
import { type Running, type Subject, subjectRows } from '../../wire/support/subject.ts'
import { FINE, gonePort, type Probed, probe, replicaThat, startProxy } from './bad-day.ts'

const AT_ONCE = 40
/** So many answers are quick before the replica becomes slower, while it stays idle between. */
const QUICK_ANSWERS = 16
const SLOWER_MS = 60
const LIMITS = { answerTimeoutMs: 600, bodyIdleMs: 800 }
const HELD_BYTES_MAX = 8 * 1024 * 1024

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

type Mood = (socket: Socket) => void

const unanswered: readonly (readonly [string, number, Mood])[] = [
  ['garbage', 502, (socket) => socket.end('what is this?\r\n\r\n')],
  ['nothing and closes', 502, (socket) => socket.end()],
  ['nothing and resets', 502, (socket) => socket.resetAndDestroy()],
  ['half a head', 502, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
  [
    'two lengths',
    502,
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
  ],
  [
    'a head of a megabyte',
    502,
    (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1_000_000)}`),
  ],
  ['2,000 times 100 Continue', 502, (socket) => socket.end(CONTINUE.repeat(2_000))],
  ['100 Continue again and again', 504, (socket) => drip(socket, CONTINUE, CONTINUE)],
  ['never', 504, () => undefined],
  [
    'a head that drips without an end',
    504,
    (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX-Slow: ', 'x'),
  ],
]

const answered: readonly (readonly [string, Mood])[] = [
  ['twice', (socket) => socket.write(FINE + FINE.replace('fine', 'EVIL'))],
  ['more than its length', (socket) => socket.write(`${FINE}EVIL EVIL EVIL`)],
  [
    'again a moment later',
    (socket) => {
      socket.write(FINE)
      setImmediate(() => socket.write(FINE.replace('fine', 'EVIL')))
    },
  ],
]

function drip(socket: Socket, first: string, more: string): void {
  const over = new AbortController()
  socket.once('close', () => over.abort())
  socket.write(first)
  void repeat(() => void socket.write(more), 50, systemClock, over.signal)
}

interface Moody {
  readonly proxy: Running
  recovers(): void
}

/** A proxy before a replica that is bad until it recovers, on the same port. */
async function moody(subject: Subject, bad: Mood): Promise<Moody> {
  let mood: Mood = bad
  const port = await replicaThat((socket) => {
    socket.on('data', () => mood(socket))
  })
  const fragments = [fragmentOf('web', [port])]
  const proxy = await startProxy(subject, { fragments, limits: LIMITS })
  return {
    proxy,
    recovers: () => {
      mood = (socket) => void socket.write(FINE)
    },
  }
}

function many(port: number): Promise<readonly Probed[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, () => probe(port)))
}

async function servesAgain(proxy: Running): Promise<void> {
  await until(() => proxy.inFlight() === 0)
  await until(async () => (await probe(proxy.port)).body === 'fine')
}

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test.each(unanswered)(
    'says why when a replica answers %s, and serves again',
    async (_what, status, bad) => {
      const { proxy, recovers } = await moody(subject, bad)
      const before = await heldBytes()
      const answers = await many(proxy.port)
      expect(answers.map((one) => one.status)).toContain(status)
      for (const { status: got, reason } of answers) {
        // A replica that fails often is let alone: 503 for those who come then.
        expect([status, 503]).toContain(got)
        expect(reason).toMatch(/^[A-Z_]+$/)
      }
      expect((await heldBytes()) - before).toBeLessThan(HELD_BYTES_MAX)
      recovers()
      await servesAgain(proxy)
    },
  )

  test.each(answered)(
    'gives each client its own answer when a replica answers %s',
    async (_what, bad) => {
      const { proxy, recovers } = await moody(subject, bad)
      for (let round = 0; round < 10; round += 1) {
        expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
      }
      recovers()
      await servesAgain(proxy)
    },
  )

  test('gives nobody what a replica says before it is asked', async () => {
    const port = await replicaThat((socket) => {
      socket.write(FINE.replace('fine', 'EVIL'))
      socket.on('data', () => socket.write(FINE))
    })
    const fragments = [fragmentOf('web', [port])]
    const proxy = await startProxy(subject, { fragments, limits: LIMITS })
    for (let round = 0; round < 10; round += 1) {
      // It cannot be told from an answer that is quick; but there is one answer, never two.
      const { status, body } = await probe(proxy.port)
      expect(status === 200 ? ['fine', 'EVIL'] : [body]).toContain(body)
      expect([200, 502, 503]).toContain(status)
    }
    await until(() => proxy.inFlight() === 0)
  })

  test('asks an idle replica at once, also when it is the only one and became slower', async () => {
    let answered = 0
    const port = await replicaThat((socket) => {
      socket.on('data', () => {
        answered += 1
        after(answered <= QUICK_ANSWERS ? 2 : SLOWER_MS, () => void socket.write(FINE))
      })
    })
    const proxy = await startProxy(subject, {
      fragments: [fragmentOf('web', [port])],
    })
    for (let round = 0; round < QUICK_ANSWERS * 2; round += 1) {
      expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
    }
  })

  test('cuts a client whose replica falls silent in its answer, and serves again', async () => {
    const { proxy, recovers } = await moody(subject, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun')
    })
    await expect(probe(proxy.port)).rejects.toThrow(/aborted|ECONNRESET|hang up/)
    recovers()
    await servesAgain(proxy)
  })

  test('answers at once when the port of every replica is gone, and serves when one is back', async () => {
    const gone = await gonePort()
    const proxy = await startProxy(subject, {
      fragments: [fragmentOf('web', [gone])],
      limits: LIMITS,
    })
    for (const { status, reason } of await many(proxy.port)) {
      expect([502, 503]).toContain(status)
      expect(reason).toMatch(/^[A-Z_]+$/)
    }
    const port = await replicaThat((socket) => {
      socket.on('data', () => socket.write(FINE))
    })
    proxy.publish([fragmentOf('web', [port])])
    await servesAgain(proxy)
  })
})
