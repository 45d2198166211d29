import { describe, expect, test } from 'vitest'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { heldBytes } from '../../wire/support/resources.ts'
import { subjectRows } from '../../wire/support/subject.ts'
import { crowd, FINE, probe, replicaThat, startProxy } from './bad-day.ts'

const BOMBERS = 40
const HEADER_BYTES_MAX = 16_384

const bombs = [
  ['a value of a megabyte', `GET / HTTP/1.1\r\nHost: t\r\nX: ${'v'.repeat(1_000_000)}`],
  ['a name of a megabyte', `GET / HTTP/1.1\r\nHost: t\r\n${'n'.repeat(1_000_000)}`],
  ['a target of a megabyte', `GET /${'t'.repeat(1_000_000)}`],
  ['a method of a megabyte', 'M'.repeat(1_000_000)],
  ['a megabyte of blanks', `GET / HTTP/1.1\r\nHost: t\r\nX:${' '.repeat(1_000_000)}`],
  ['200,000 headers', `GET / HTTP/1.1\r\nHost: t\r\n${'a:b\r\n'.repeat(200_000)}`],
  ['250,000 empty lines', '\r\n'.repeat(250_000)],
  ['3,000 headers that end', `GET / HTTP/1.1\r\nHost: t\r\n${'a:b\r\n'.repeat(3_000)}\r\n`],
] as const

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test.each(bombs)(
    `refuses ${BOMBERS} heads of %s and holds little of them`,
    async (_what, bomb) => {
      let asked = 0
      const port = await replicaThat((socket) => {
        socket.on('data', () => {
          asked += 1
          socket.write(FINE)
        })
      })
      const proxy = await startProxy(subject, {
        fragments: [fragmentOf('web', [port])],
      })
      const attackers = crowd(proxy.port, BOMBERS)
      for (const attacker of attackers) attacker.say(bomb)
      await until(() => attackers.every(({ closed }) => closed))
      // Whoever still sends when it is closed may lose the answer; nobody is served.
      for (const { status } of attackers) expect([0, 400, 408, 414, 431, 501]).toContain(status)
      expect(asked).toBe(0)
      expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
    },
  )

  test('holds no more of a head that never ends than its limit allows', async () => {
    const proxy = await startProxy(subject, { fragments: [] })
    const before = await heldBytes()
    const attackers = crowd(proxy.port, 200)
    const almost = `GET / HTTP/1.1\r\nHost: t\r\nX: ${'v'.repeat(HEADER_BYTES_MAX - 1_000)}`
    for (const attacker of attackers) attacker.say(almost)
    await until(() => attackers.every(({ socket }) => socket.bytesWritten >= almost.length))
    const held = ((await heldBytes()) - before) / attackers.length
    expect(held).toBeLessThan(HEADER_BYTES_MAX * 4)
    expect(attackers.filter(({ closed }) => closed)).toHaveLength(0)
  })
})
