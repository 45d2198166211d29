/** `BAD_DAYS_CONNECTIONS=100000` asks for the long form; it takes half a minute per transport. */
import { describe, expect, test } from 'vitest'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { openSockets } from '../../wire/support/resources.ts'
import { subjectRows } from '../../wire/support/subject.ts'
import { Attacker, FINE, probe, replicaSaying, startProxy } from './bad-day.ts'

const CONNECTIONS = Number(process.env.BAD_DAYS_CONNECTIONS ?? 3_000)
const CONNECTIONS_MAX = 1_000
/** One address has no more ports to connect from. */
const PER_ADDRESS = 20_000
const AT_ONCE = 500
const TIMEOUT_MS = 60_000 + CONNECTIONS * 10

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test(
    `keeps its limit of ${CONNECTIONS_MAX} before ${CONNECTIONS} connections and serves again after`,
    async () => {
      const sockets = openSockets()
      const port = await replicaSaying(() => FINE)
      const proxy = await startProxy(subject, {
        fragments: [fragmentOf('web', [port])],
        limits: { connectionsMax: CONNECTIONS_MAX },
      })
      const inside = new Attacker(proxy.port)
      inside.say('GET /s/web HTTP/1.1\r\nHost: t\r\n\r\n')
      await until(() => inside.text.endsWith('fine'))
      const attackers: Attacker[] = []
      for (let opened = 0; opened < CONNECTIONS; opened += AT_ONCE) {
        for (let at = opened; at < opened + AT_ONCE; at += 1) {
          attackers.push(new Attacker(proxy.port, `127.0.0.${2 + Math.floor(at / PER_ADDRESS)}`))
        }
        await until(() => attackers.every(({ socket }) => !socket.connecting))
      }
      const surplus = CONNECTIONS + 1 - CONNECTIONS_MAX
      await until(() => attackers.filter(({ closed }) => closed).length === surplus)
      for (const { closed, status } of attackers) expect(closed ? [0, 503] : [0]).toContain(status)
      // Who is in is served, however many stand outside.
      inside.text = ''
      inside.say('GET /s/web HTTP/1.1\r\nHost: t\r\n\r\n')
      await until(() => inside.text.endsWith('fine'))
      for (const { socket } of [inside, ...attackers]) socket.destroy()
      await until(async () => (await probe(proxy.port)).status === 200)
      await proxy.close()
      await until(() => openSockets() <= sockets + 2)
    },
    TIMEOUT_MS,
  )
})
