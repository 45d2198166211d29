import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../../support/processes.ts'
import { until } from '../../support/until.ts'
import { closeAll, get, RawClient, rawUpstream, upstream } from '../support/rig.ts'
import { Crowd } from './support/crowd.ts'
import { Stage } from './support/proxy-program.ts'

let stage: Stage

beforeEach(() => {
  stage = new Stage()
})

afterEach(async () => {
  await stage.clear()
  await closeAll()
})

/** Answers with the query. */
function queries(): Promise<number> {
  return upstream((request, response) => response.end(request.url?.slice('/'.length)))
}

test.each([
  { rounds: 5, processes: 1 },
  { rounds: 2, processes: 2 },
])('$rounds take-overs of $processes fail no request of clients that never retry', async (row) => {
  const { rounds, processes } = row
  const routes = stage.routes({ web: [await queries()] })
  const proxy = await stage.start(['--routes', routes, '--processes', String(processes)])
  await proxy.serves(processes)
  const url = `${proxy.url}/s/web/`
  const kept = new Crowd({ url, clients: 8, keepAlive: true })
  const fresh = new Crowd({ url, clients: 8, keepAlive: false })
  await until(() => kept.answers > 50 && fresh.answers > 50)
  const seen = new Set(proxy.carriers)
  for (let round = 1; round <= rounds; round += 1) {
    const before = [kept.answers, fresh.answers]
    process.kill(proxy.program.pid, 'SIGUSR2')
    await proxy.serves((round + 1) * processes)
    for (const pid of proxy.carriers) seen.add(pid)
    await until(() => kept.answers > (before[0] ?? 0) + 50 && fresh.answers > (before[1] ?? 0) + 50)
  }
  await Promise.all([kept.stop(), fresh.stop()])
  expect([...kept.failures, ...fresh.failures]).toEqual([])
  expect(kept.closes).toBeGreaterThan(0)
  expect(seen.size).toBeGreaterThanOrEqual((rounds + 1) * processes)
  await until(() => proxy.carriers.length === processes)
})

test('a take-over lets an idle connection be, and ends it with the answer to its next request', async () => {
  const routes = stage.routes({ web: [await queries()] })
  const proxy = await stage.start(['--routes', routes])
  const [before = 0] = proxy.carriers
  const client = new RawClient(proxy.port, get('/s/web/?1'))
  await client.receives(/\?1$/)
  await proxy.takeOver()
  await until(async () => (await fetch(`${proxy.url}/s/web/?fresh`)).ok)
  expect(isAlive(before)).toBe(true)
  expect(client.closed).toBe(false)
  client.send(get('/s/web/?2'))
  expect(await client.all()).toMatch(/Connection: close[\s\S]*\?2$/)
  await until(() => !isAlive(before))
})

test('a take-over waits for a long answer, and cuts what is longer than the grace', async () => {
  const answers: ServerResponse[] = []
  const slow = await upstream((_request, response) => {
    response.write('begun ')
    answers.push(response)
  })
  const routes = stage.routes({ slow: [slow] })
  const proxy = await stage.start(['--routes', routes, '--handover-grace', '3s'])
  const [finishing, hanging] = [1, 2].map(() => new RawClient(proxy.port, get('/s/slow')))
  await until(() => answers.length === 2)
  await finishing?.receives(/begun/)
  await hanging?.receives(/begun/)
  const [before = 0] = proxy.carriers
  await proxy.takeOver()
  answers[0]?.end('and ended')
  await until(() => [finishing, hanging].some((one) => one?.received.includes('and ended')))
  expect(isAlive(before)).toBe(true)
  await until(() => !isAlive(before))
  await until(() => finishing?.closed === true && hanging?.closed === true)
})

test('a take-over leaves a WebSocket as it is', async () => {
  const echo = await rawUpstream((socket: Socket) => {
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      )
      socket.on('data', (bytes) => socket.write(bytes))
    })
  })
  const proxy = await stage.start(['--routes', stage.routes({ ws: [echo] })])
  const asks = ['Connection: Upgrade', 'Upgrade: websocket']
  const client = new RawClient(proxy.port, get('/s/ws', ...asks))
  await client.receives(/101/)
  const [before = 0] = proxy.carriers
  await proxy.takeOver()
  client.send('still there?')
  await client.receives(/still there\?/)
  expect(isAlive(before)).toBe(true)
  client.socket.destroy()
  await until(() => !isAlive(before))
})

test('a take-over that comes during another one follows it', async () => {
  const proxy = await stage.start(['--routes', stage.routes({})])
  const [before = 0] = proxy.carriers
  process.kill(proxy.program.pid, 'SIGUSR2')
  await until(() => proxy.carriers.length === 2)
  process.kill(proxy.program.pid, 'SIGUSR2')
  await proxy.serves(3)
  await until(() => proxy.carriers.length === 1 && proxy.carriers[0] !== before)
})
