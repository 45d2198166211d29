import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { type Handle, type Hold, holdSocket } from '../../../proxy/parent/held-socket.ts'
import { Sockets } from '../../../proxy/parent/sockets.ts'

const WISH = { name: 'traffic', host: '127.0.0.1', port: 0, search: false }

/** Sockets that exist by name only. */
function paper(taken: readonly number[] = []) {
  const closed: number[] = []
  const hold: Hold = async (_host, port) => {
    if (taken.includes(port)) return { kind: 'failed', code: 'EADDRINUSE' }
    const handle: Handle = { getsockname: () => 0, close: () => closed.push(port) }
    return { kind: 'held', socket: { handle, port } }
  }
  return { sockets: new Sockets(hold), closed }
}

test('grant() answers the same socket to all who wish the same', async () => {
  const { sockets } = paper()
  const wish = { ...WISH, port: 80 }
  const [a, b] = await Promise.all([sockets.grant(wish, 'a'), sockets.grant(wish, 'b')])
  expect(a).toBe(b)
  expect(await sockets.grant({ ...wish, name: 'tls' }, 'a')).not.toBe(a)
})

test('grant() searches on where the next free port does as well', async () => {
  const { sockets } = paper([81, 83])
  const admin = (name: string) => ({ name, host: 'h', port: 81, search: true })
  const ports = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => {
      const granted = await sockets.grant(admin(name), name)
      return granted.kind === 'held' ? granted.socket.port : granted
    }),
  )
  expect(ports).toEqual([82, 84, 85])
  const fixed = await sockets.grant({ ...admin('four'), search: false }, 'four')
  expect(fixed).toEqual({ kind: 'failed', code: 'EADDRINUSE' })
})

test('grant() tries again what failed before', async () => {
  const taken = [80]
  const { sockets } = paper(taken)
  const wish = { ...WISH, port: 80 }
  expect((await sockets.grant(wish, 'a')).kind).toBe('failed')
  taken.pop()
  expect((await sockets.grant(wish, 'a')).kind).toBe('held')
})

test('sweep() closes what nobody was given who still lives', async () => {
  const { sockets, closed } = paper()
  await sockets.grant({ ...WISH, port: 80 }, 'old')
  await sockets.grant({ ...WISH, port: 90 }, 'new')
  await sockets.grant({ ...WISH, name: 'admin', port: 81 }, 'old')
  await sockets.grant({ ...WISH, name: 'admin', port: 81 }, 'new')
  await sockets.sweep()
  expect(closed).toEqual([])
  sockets.forget('old')
  await sockets.sweep()
  expect(closed).toEqual([80])
})

test('holdSocket() binds without accepting, and says why it cannot', async () => {
  const held = await holdSocket('127.0.0.1', 0)
  if (held.kind !== 'held') throw new Error(`expected a socket, not ${held.kind}`)
  const { handle, port } = held.socket
  expect(await refusal(port)).toBe('ECONNREFUSED')
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(handle, resolve))
  onTestFinished(() => void server.close())
  expect(await refusal(port)).toBe('none')
  expect(await holdSocket('127.0.0.1', port)).toEqual({ kind: 'failed', code: 'EADDRINUSE' })
  expect(await holdSocket('192.0.2.1', 0)).toEqual({ kind: 'failed', code: 'EADDRNOTAVAIL' })
  expect(await holdSocket('no such host', 0)).toEqual({ kind: 'failed', code: 'ENOTFOUND' })
})

test('holdSocket() binds names and IPv6 addresses', async () => {
  const known = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const hasIpv6 = known.some(({ address }) => address === '::1')
  for (const host of ['localhost', ...(hasIpv6 ? ['::1'] : [])]) {
    const held = await holdSocket(host, 0)
    expect(held.kind).toBe('held')
    if (held.kind === 'held') held.socket.handle.close()
  }
})

function refusal(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve('none')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}
