import { expect, test } from 'vitest'
import { z } from 'zod'
import { MasterUnreachable } from '../../shared/control-client.ts'
import { until } from '../support/until.ts'
import { answer, client, deadUrl, get, plain, post } from './control-fixture.ts'

test('call() sends JSON and parses the answer with the schema', async () => {
  const master = await plain(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url, headers } = request
    answer(response, {
      method,
      url,
      type: headers['content-type'],
      body: Buffer.concat(chunks).toString(),
    })
  })
  const schema = z.object({
    method: z.string(),
    url: z.string(),
    type: z.string(),
    body: z.string(),
  })
  const seen = await client({ masters: [master] }).call({ ...post, path: '/v1/x?y=1', schema })
  const expected = { method: 'POST', url: '/v1/x?y=1', type: 'application/json', body: '{"a":1}' }
  expect(seen).toEqual(expected)
})

test('call() turns an error body into the RequestError that it was', async () => {
  const error = {
    code: 'CONFLICT',
    message: 'Cannot add "web": it is there',
    details: ['name: taken'],
  }
  const master = await plain((_, response) => answer(response, { error }, 409))
  await expect(client({ masters: [master] }).call(post)).rejects.toMatchObject({
    status: 409,
    ...error,
  })
})

test.each([
  {
    what: 'a page',
    status: 404,
    text: '<html>',
    expected: 'Cannot GET /: the answer was status 404',
  },
  {
    what: 'no JSON',
    status: 200,
    text: '<html>',
    expected: 'Cannot GET /: the answer is not JSON',
  },
  {
    what: 'another form',
    status: 200,
    text: '{"a":"b"}',
    expected: 'does not have the expected form',
  },
  { what: 'a redirect', status: 302, text: '', expected: 'the answer was status 302' },
])('call() refuses $what in one sentence', async ({ status, text, expected }) => {
  const master = await plain((_, response) => {
    response.writeHead(status, { location: 'http://127.0.0.1:1/' })
    response.end(text)
  })
  const schema = z.object({ a: z.number() })
  const called = client({ masters: [master] }).call({ ...get, schema })
  await expect(called).rejects.toThrow(expected)
  await expect(called).rejects.toMatchObject({ name: 'RequestError' })
})

test('call() answers undefined to an empty answer', async () => {
  const master = await plain((_, response) => response.writeHead(204).end())
  const called = client({ masters: [master] }).call({
    ...get,
    method: 'DELETE',
    schema: z.undefined(),
  })
  expect(await called).toBeUndefined()
})

test('call() refuses an answer that never ends growing', async () => {
  const block = Buffer.alloc(1024 * 1024, 0x20)
  const master = await plain((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  const called = client({ masters: [master], deadlineMs: 60_000 }).call(get)
  await expect(called).rejects.toThrow('the answer is larger than 67108864 bytes')
})

test('call() is MasterUnreachable when nobody listens, and says so in one sentence', async () => {
  const master = await deadUrl()
  const thrown = await client({ masters: [master] })
    .call(post)
    .catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(MasterUnreachable)
  expect(String(thrown)).toContain(
    `Cannot reach the master at ${master}: the connection was refused`,
  )
})

test('call() is MasterUnreachable when its time is over', async () => {
  const master = await plain(() => undefined)
  const called = client({ masters: [master] }).call({ ...get, deadlineMs: 50 })
  await expect(called).rejects.toThrow(
    `Cannot reach the master at ${master}: no answer within 50 ms`,
  )
  await expect(called).rejects.toBeInstanceOf(MasterUnreachable)
})

test('call() is MasterUnreachable when the answer stands still half-way', async () => {
  const master = await plain((_, response) => response.writeHead(200).write('{"a":'))
  const called = client({ masters: [master] }).call({ ...get, deadlineMs: 80 })
  await expect(called).rejects.toThrow('no answer within 80 ms')
})

test('call() rejects with the reason of its signal', async () => {
  const asked: unknown[] = []
  const master = await plain((request) => asked.push(request))
  const controller = new AbortController()
  const called = client({ masters: [master] }).call({ ...get, signal: controller.signal })
  await until(() => asked.length === 1)
  controller.abort(new Error('shutting down'))
  await expect(called).rejects.toThrow('shutting down')
  await expect(
    client({ masters: [master] }).call({ ...get, signal: controller.signal }),
  ).rejects.toThrow('shutting down')
})

test('call() goes on to the next master and remembers it', async () => {
  const asked: string[] = []
  const alive = await plain((request, response) => {
    asked.push(request.method ?? '')
    answer(response, {})
  })
  const both = client({ masters: [await deadUrl(), alive] })
  await both.call(post)
  await both.call(get)
  expect(asked).toEqual(['POST', 'GET'])
})

test('call() asks the next master when one is unavailable, but never sends a POST twice', async () => {
  const asked: string[] = []
  const error = { code: 'NO_LEADER', message: 'Cannot write: no master leads' }
  const standby = await plain((request, response) => {
    asked.push(`standby ${request.method}`)
    answer(response, { error }, 503)
  })
  const leader = await plain((request, response) => {
    asked.push(`leader ${request.method}`)
    answer(response, {})
  })
  await client({ masters: [standby, leader] }).call(get)
  const second = client({ masters: [standby, leader] })
  await expect(second.call(post)).rejects.toMatchObject({ status: 503, code: 'NO_LEADER' })
  await second.call({ ...post, idempotent: true })
  expect(asked).toEqual(['standby GET', 'leader GET', 'standby POST', 'leader POST'])
})

test('call() says why no master answered', async () => {
  const masters = [await deadUrl(), await deadUrl()]
  const thrown = await client({ masters })
    .call(get)
    .catch((error: unknown) => error)
  for (const master of masters)
    expect(String(thrown)).toContain(`${master}: the connection was refused`)
})

test('call() repeats a safe call whose connection was cut, and no other', async () => {
  const asked: string[] = []
  const master = await plain((request, response) => {
    asked.push(request.method ?? '')
    if (asked.length % 2 === 1) request.socket.destroy()
    else answer(response, {})
  })
  const caller = client({ masters: [master] })
  await caller.call(get)
  expect(asked).toEqual(['GET', 'GET'])
  await expect(caller.call(post)).rejects.toThrow('the connection was cut')
  expect(asked).toEqual(['GET', 'GET', 'POST'])
})

test('call() keeps its connection', async () => {
  const sockets = new Set<unknown>()
  const master = await plain((request, response) => {
    sockets.add(request.socket)
    answer(response, {})
  })
  const caller = client({ masters: [master] })
  for (let times = 0; times < 5; times += 1) await caller.call(get)
  expect(sockets.size).toBe(1)
})

test('call() refuses a path that would lead to another host', async () => {
  const caller = client({ masters: ['http://127.0.0.1:1'] })
  await expect(caller.call({ ...get, path: '@127.0.0.1:2/' })).rejects.toThrow(
    'a path begins with "/"',
  )
})

test('call() begins elsewhere after a master that fell silent', async () => {
  const masters = [await plain(() => undefined), await plain((_, response) => answer(response, 1))]
  const caller = client({ masters })
  await expect(caller.call({ ...post, deadlineMs: 60 })).rejects.toBeInstanceOf(MasterUnreachable)
  expect(await caller.call(post)).toBe(1)
})
