import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { OneTryClient } from './one-try-client.ts'

const servers: Server[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => new Promise((end) => server.close(end))))
})

async function listening(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket)
    onSocket(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function answer(number: number, fields = ''): string {
  const body = String(number).padEnd(100)
  return `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n${fields}\r\n${body}`
}

/** Says these one after the other, one to each request; `undefined` hangs up. */
async function server(said: readonly (string | undefined)[]): Promise<{
  readonly port: number
  readonly connections: () => number
}> {
  let connections = 0
  let at = 0
  const port = await listening((socket) => {
    connections += 1
    socket.on('data', () => {
      const text = said[at]
      at += 1
      if (text === undefined) socket.destroy()
      else socket.write(text)
    })
  })
  return { port, connections: () => connections }
}

test('ask() is content with the whole answer to its number, on one kept connection', async () => {
  const { port, connections } = await server([answer(1), answer(2)])
  const client = new OneTryClient({ port, keepAlive: true })
  expect(await client.ask(1)).toBeUndefined()
  expect(await client.ask(2)).toBeUndefined()
  expect(connections()).toBe(1)
  client.close()
})

test('ask() opens another connection after an answer that said it was the last', async () => {
  const { port, connections } = await server([answer(1, 'Connection: close\r\n'), answer(2)])
  const client = new OneTryClient({ port, keepAlive: true })
  expect(await client.ask(1)).toBeUndefined()
  expect(await client.ask(2)).toBeUndefined()
  expect(connections()).toBe(2)
  client.close()
})

const failures: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['a connection that is cut before the answer', undefined, /closed|ECONNRESET/],
  ['the answer of another request', answer(7), /another request/],
  ['an answer that says it failed', 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n', /503/],
  ['a body that is too long', `${answer(1)}more`, /another length/],
]
test.each(failures)('ask() fails on %s, and asks nobody again', async (_what, said, reason) => {
  const { port, connections } = await server([said, answer(1)])
  const client = new OneTryClient({ port, keepAlive: true })
  expect(await client.ask(1)).toMatch(reason)
  expect(connections()).toBe(1)
  client.close()
})

test('ask() fails when half an answer is all that comes', async () => {
  const port = await listening((socket) => {
    socket.on('data', () => socket.end(answer(1).slice(0, -10)))
  })
  const client = new OneTryClient({ port, keepAlive: false })
  expect(await client.ask(1)).toMatch(/closed/)
})
