/** A client that says the same again and again is understood as one that says it once. */
import { afterEach, expect, test } from 'vitest'
import {
  closeAll,
  echoUpstream,
  get,
  onEachTransport,
  RawClient,
  startRig,
} from '../support/rig.ts'

afterEach(closeAll)

interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const OWN = ['x-request-id', 'traceparent']

/** Asks one after the other over one connection; answers what the replica heard. */
async function echoes(requests: readonly string[], flags: readonly string[] = []) {
  const { port } = await startRig({ web: [await echoUpstream()] }, {}, { flags })
  const client = new RawClient(port)
  const heard: Echo[] = []
  for (const request of requests) {
    client.received = ''
    client.send(request)
    const [, json = ''] = await client.receives(/\r\n\r\n(\{.*\})$/)
    heard.push(JSON.parse(json) as Echo)
  }
  return heard
}

function withoutIds({ headers }: Echo): readonly (readonly [string, string])[] {
  return Object.entries(headers).filter(([name]) => !OWN.includes(name))
}

function post(path: string, body: string): string {
  return get(path, `Content-Length: ${body.length}`).replace('GET', 'POST') + body
}

onEachTransport(() => {
  test('the same lines are passed on the same, each time with identifiers of their own', async () => {
    const lines = ['Accept: */*', 'Cookie: a=b', 'X-Forwarded-For: 1.1.1.1', 'Connection: X-Mine']
    const requests = Array.from({ length: 8 }, (_, at) => get(`/s/web/${at}?q=${at}`, ...lines))
    const heard = await echoes(requests)
    expect(heard.map(({ url }) => url)).toEqual(requests.map((_, at) => `/${at}?q=${at}`))
    for (const echo of heard) expect(withoutIds(echo)).toEqual(withoutIds(heard[0] as Echo))
    for (const name of OWN) {
      expect(new Set(heard.map(({ headers }) => headers[name])).size).toBe(requests.length)
    }
  })

  test('the same lines mean something else with another method', async () => {
    const bare = (method: string) => get('/s/web').replace('GET', method)
    const methods = ['GET', 'GET', 'GET', 'POST', 'GET', 'PUT', 'PUT', 'DELETE', 'POST']
    const heard = await echoes(methods.map(bare))
    expect(heard.map(({ method }) => method)).toEqual(methods)
    expect(heard.map(({ headers }) => headers['content-length'])).toEqual(
      methods.map((method) => (['POST', 'PUT'].includes(method) ? '0' : undefined)),
    )
  })

  test('lines that change are heard as they are, and so is what they frame', async () => {
    const bodies = ['one', 'two', 'six', 'four', 'five', 'seven', 'eight', 'x', 'y', 'z']
    const heard = await echoes(bodies.flatMap((body) => [post('/s/web', body), get('/s/web/get')]))
    expect(heard.filter(({ method }) => method === 'POST').map(({ body }) => body)).toEqual(bodies)
    expect(heard.filter(({ url }) => url === '/get')).toHaveLength(bodies.length)
  })

  test('an absolute target names its host also where the lines are known', async () => {
    const plain = get('/s/web', 'Accept: */*').replace('Host: t', 'Host: a.test')
    const absolute = plain.replace('/s/web', 'http://a.test:80/s/web')
    const heard = await echoes([plain, plain, plain, absolute, plain, absolute])
    const hosts = heard.map(({ headers }) => headers.host)
    expect(hosts).toEqual(['a.test', 'a.test', 'a.test', 'a.test:80', 'a.test', 'a.test:80'])
  })

  test('a request id that comes along, and a chain that is trusted, are kept', async () => {
    const lines = ['X-Request-Id: mine', 'X-Forwarded-For: 1.1.1.1', 'X-Forwarded-Proto: https']
    const requests = Array.from({ length: 5 }, () => get('/s/web', ...lines))
    for (const { headers } of await echoes(requests, ['--trusted-hops', '1'])) {
      expect(headers['x-request-id']).toBe('mine')
      expect(headers['x-forwarded-for']).toBe('1.1.1.1, 127.0.0.1')
      expect(headers['x-forwarded-proto']).toBe('https')
    }
  })
})
