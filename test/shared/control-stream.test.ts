import { expect, test } from 'vitest'
import { MasterUnreachable } from '../../shared/control-client.ts'
import { until } from '../support/until.ts'
import { answer, client, plain } from './control-fixture.ts'

test('stream() yields events as they come, names where it stopped, and ends with the answer', async () => {
  const seen: (string | undefined)[] = []
  const master = await plain((request, response) => {
    seen.push(request.headers.accept, request.headers['last-event-id']?.toString())
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(':hello\n\nid: 8\nevent: change\ndata: {"a"\ndata: :1}\n\n')
    response.end('data: last\n\ndata: unfinished')
  })
  const signal = new AbortController().signal
  const events = await collect(
    client({ masters: [master] }).stream('/e', { signal, lastEventId: '7' }),
  )
  expect(seen).toEqual(['text/event-stream', '7'])
  expect(events).toEqual([
    { id: '8', event: 'change', data: '{"a"\n:1}' },
    { id: '8', event: 'message', data: 'last' },
  ])
})

test('stream() is refused, cut and aborted in different words', async () => {
  const error = { code: 'FORBIDDEN', message: 'Cannot read events: the role is viewer' }
  const master = await plain((request, response) => {
    if (request.url === '/refused') return answer(response, { error }, 403)
    response.writeHead(200).write('data: 1\n\n')
    if (request.url === '/cut') setImmediate(() => request.socket.destroy())
  })
  const caller = client({ masters: [master] })
  const controller = new AbortController()
  const { signal } = controller
  await expect(collect(caller.stream('/refused', { signal }))).rejects.toMatchObject(error)
  const cut = collect(caller.stream('/cut', { signal }))
  await expect(cut).rejects.toBeInstanceOf(MasterUnreachable)
  const open = caller.stream('/open', { signal })[Symbol.asyncIterator]()
  expect((await open.next()).value).toMatchObject({ data: '1' })
  controller.abort(new Error('enough'))
  await expect(open.next()).rejects.toThrow('enough')
})

test('stream() lets go of its connection when the reader leaves', async () => {
  const closed: string[] = []
  const master = await plain((request, response) => {
    response.writeHead(200).write('data: 1\n\n')
    request.socket.once('close', () => closed.push('closed'))
  })
  const { signal } = new AbortController()
  for await (const event of client({ masters: [master] }).stream('/', { signal })) {
    expect(event.data).toBe('1')
    break
  }
  await until(() => closed.length === 1)
})

test('stream() refuses a line without an end', async () => {
  const block = 'x'.repeat(256 * 1024)
  const master = await plain((_, response) => {
    response.write('data: ')
    for (let times = 0; times < 5; times += 1) response.write(block)
  })
  const { signal } = new AbortController()
  const read = collect(client({ masters: [master] }).stream('/', { signal }))
  await expect(read).rejects.toThrow('a line is longer than its limit')
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
