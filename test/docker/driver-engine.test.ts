import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createSecureServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Engine, openEngine } from '../../worker/drivers/docker/engine.ts'
import { engineAddress } from '../../worker/drivers/docker/engine-address.ts'
import { getFrom, openFrom } from '../../worker/drivers/docker/engine-get.ts'
import { output } from '../support/command.ts'
import { hasLab } from '../support/lab-needs.ts'
import { NearEngine } from '../worker/drivers/docker/near-engine.ts'

describe.runIf(hasLab('how a real engine is reached'))('an engine', () => {
  let near: NearEngine
  beforeAll(async () => {
    near = await NearEngine.start('tiny:1')
  })
  afterAll(() => near.stop())

  function open(host: string, environment: Record<string, string> = {}): Engine {
    const address = engineAddress(host, environment)
    const engine = openEngine({ address, onOutcome: () => undefined })
    onTestFinished(() => engine.close())
    return engine
  }

  async function listening(
    server: Server | ReturnType<typeof createSecureServer>,
  ): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
    })
    return (server.address() as AddressInfo).port
  }

  test('call() speaks the version that the engine answers to a ping', async () => {
    const engine = open(near.dockerHost)
    const { ApiVersion } = await engine.call('ask', (docker) => docker.version())
    expect((await engine.version()).join('.')).toBe(ApiVersion)
  })

  test('call() says in one sentence what the engine refuses', async () => {
    const engine = open(near.dockerHost)
    const asked = engine.call('look', (docker, abortSignal) =>
      docker.getContainer('none').inspect({ abortSignal }),
    )
    await expect(asked).rejects.toMatchObject({
      ...{ failure: 'refused', status: 404, message: 'Cannot look: No such container: none' },
    })
  })

  test('call() reaches an engine behind TLS, and only with its certificates', async () => {
    const folder = await certificates()
    const files = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(folder, name))
    const [ca, cert, key] = await Promise.all(files.map((file) => output(['cat', file])))
    const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true }
    const server = createSecureServer({ ...options } as object, (client) => {
      const inner = connect(near.dockerHost.replace('unix://', ''))
      client.on('error', () => inner.destroy()).pipe(inner)
      inner.on('error', () => client.destroy()).pipe(client)
    })
    const host = `tcp://localhost:${await listening(server)}`
    const tls = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder }
    expect((await open(host, tls).ping(5_000))[0]).toBe(1)
    await expect(open(host).ping(5_000)).rejects.toMatchObject({ failure: 'unreachable' })
    const elsewhere = { ...tls, DOCKER_CERT_PATH: '/no/such/folder' }
    await expect(open(host, elsewhere).ping(5_000)).rejects.toThrow(/\/no\/such\/folder\/ca\.pem/)
  })

  test('call() gives up after its deadline, also in the middle of an answer', async () => {
    const server = createServer((request, response) => {
      response.setHeader('api-version', '1.41')
      if (request.url === '/_ping') response.end('OK')
      else if (request.url?.includes('/half') === true) response.write('{"half":')
    })
    const engine = open(`tcp://127.0.0.1:${await listening(server)}`)
    onTestFinished(() => server.closeAllConnections())
    for (const path of ['/never', '/half']) {
      const asked = engine.call(
        'ask',
        (docker, abortSignal) => getFrom(docker, path, { abortSignal }),
        {
          deadlineMs: 200,
        },
      )
      await expect(asked).rejects.toMatchObject({
        failure: 'silent',
        message: `Cannot ask: the Docker Engine at ${engine.address} does not answer within 0.2 s`,
      })
    }
  })

  test('call() does not take any web server for an engine', async () => {
    const server = createServer((_, response) => response.end('hello'))
    const engine = open(`http://127.0.0.1:${await listening(server)}`)
    await expect(engine.ping(5_000)).rejects.toThrow(/what answers there is no Docker Engine$/)
  })

  test('stream() ends with its signal, however quiet it is', async () => {
    const engine = open(near.dockerHost)
    const giving = new AbortController()
    const stream = await engine.stream(
      'hear',
      (docker, abortSignal) => openFrom(docker, '/events', { abortSignal }),
      { signal: giving.signal },
    )
    const closed = once(stream, 'close')
    giving.abort()
    await closed
    expect(stream.destroyed).toBe(true)
  })

  /** An authority of its own, and a certificate of it for both sides. */
  async function certificates(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'orchestrify-tls-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const at = (name: string): string => join(folder, name)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const ca = ['-x509', '-subj', '/CN=lab', '-keyout', at('ca-key.pem'), '-out', at('ca.pem')]
    await output(['openssl', 'req', ...key, ...ca])
    const request = ['-subj', '/CN=localhost', '-keyout', at('key.pem'), '-out', at('request.pem')]
    await output(['openssl', 'req', ...key, ...request])
    await writeFile(at('names'), 'subjectAltName=DNS:localhost')
    const by = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial']
    const made = ['-in', at('request.pem'), '-extfile', at('names'), '-out', at('cert.pem')]
    await output(['openssl', 'x509', '-req', ...by, ...made])
    return folder
  }
})
