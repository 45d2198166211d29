/** What users of the first system did, with their words, on real engines. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceView } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { output } from '../support/command.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const REGISTERED = '10.77.0.10:5000/team/web:1.2'
const WHO = '/cgi-bin/who'

describe.runIf(hasLab('how images are deployed on hosts'))('orchestrify', () => {
  let lab: Lab
  let cluster: Cluster
  let w1: LabHost
  let w2: LabHost

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 2 })
    cluster = await Cluster.start({ workers: 2, proxies: 1, ground: onHosts(lab) })
    w1 = lab.host('w1')
    w2 = lab.host('w2')
    await Promise.all(lab.hosts.map(fill))
  })

  afterAll(() => cluster?.stop())

  beforeEach(() => cluster.nodesAre('ready', 2, 60_000))

  afterEach(() => tidy(cluster, lab.hosts))

  async function fill(host: LabHost): Promise<void> {
    await lab.importImage(host, 'web:1')
    for (const tag of ['latest', '2'])
      await lab.importImage(host, `app:${tag}`, 'busybox', [
        `CMD ["sh", "-c", "echo ${tag} >/www/index.html; exec /bin/serve"]`,
      ])
    await host.docker(['tag', 'web:1', REGISTERED])
  }

  test('--image-name deploys, says where, and gives it port, environment and network (O-08)', async () => {
    const told = await cluster.cli(
      ...['--image-name', 'web:1', '--name', 'shop', '--network', 'front'],
      ...['-p', '9100:8081', '-e', 'GREETING:hi: there', '-e', 'TIMES=3:4'],
    )
    const [replica] = await cluster.serves('shop', 1)
    const host = lab.host(replica?.nodeName ?? '')
    const url = `http://${host.address}:9100`
    expect(told).toContain('"shop" serves')
    expect(told).toContain(`on ${host.name}: ${url}\n`)
    const proxied = /through the proxy: (\S+)/.exec(told)?.[1] ?? ''
    expect((await cluster.fetch(`${url}/health`)).text).toBe('ok\n')
    expect((await cluster.fetch(`${proxied}health`)).text).toBe('ok\n')

    const { Config, HostConfig, NetworkSettings } = await inspected(host)
    expect(Config.Env).toEqual(
      expect.arrayContaining(['GREETING=hi: there', 'TIMES=3:4', 'PORT=8081']),
    )
    expect(Object.keys(NetworkSettings.Networks)).toEqual(['front'])
    const published = { HostIp: host.address, HostPort: '9100' }
    expect(NetworkSettings.Ports).toEqual({ '8081/tcp': [published] })
    expect(HostConfig.PublishAllPorts).toBe(false)
    const inside = ['curl', '--silent', '--max-time', '5', 'http://127.0.0.1:9100/health']
    await expect(output([...host.prefix, ...inside])).rejects.toThrow()
  })

  test('a fixed port takes another host for each replica, and no third where there are two', async () => {
    await cluster.cli(
      ...['--image-name', 'web:1', '--name', 'shop', '--port', '9100:8080', '--min', '2'],
    )
    const both = await cluster.serves('shop', 2)
    expect(both.map(({ url }) => url).toSorted()).toEqual([
      `http://${w1.address}:9100`,
      `http://${w2.address}:9100`,
    ])
    const third = await cluster.tryCli(
      ...['--image-name', 'web:1', '--name', 'late', '-p', '9100:8080', '--timeout', '2s'],
    )
    expect(third.code).toBe(1)
    for (const { name } of lab.hosts)
      expect(third.output).toContain(`port 9100 is taken on ${name}`)
  })

  test('a port that a stranger has on every node is named, and the call fails', async () => {
    const strangers = lab.hosts.map((host) =>
      host.docker([
        'run',
        '--detach',
        '--name',
        'stranger',
        '--publish',
        `${host.address}:9200:1`,
        'web:1',
      ]),
    )
    await Promise.all(strangers)
    const { code, output: told } = await cluster.tryCli('--image-name', 'web:1', '-p', '9200:8080')
    await Promise.all(lab.hosts.map((host) => host.docker(['rm', '--force', 'stranger'])))
    expect(code).toBe(1)
    expect(told).toMatch(/^Cannot start "web": failed on w[12]: .*port 9200\b.* is in use/m)
  })

  const failures = [
    {
      why: 'an unknown image',
      argv: ['--image-name', 'nowhere/nothing:7'],
      says: /^Cannot start "nothing": .*Cannot pull nowhere\/nothing:7: Docker Hub does not answer/m,
    },
    {
      why: 'an image that cannot be',
      argv: ['--image-name', 'Web:1:2'],
      says: /image: expected an image like/,
    },
    {
      why: 'a bad port',
      argv: ['--image-name', 'web:1', '-p', '99999:80'],
      says: /^Cannot use "99999:80" for --port/,
    },
    {
      why: 'a bad variable',
      argv: ['--image-name', 'web:1', '-e', '1X:2'],
      says: /^Cannot use the variable "1X"/,
    },
    {
      why: 'the network of the host',
      argv: ['--image-name', 'web:1', '--network', 'host'],
      says: /the network of the host is not allowed/,
    },
    {
      why: 'a command that its image has not',
      argv: ['--image-name', 'web:1', '--command', 'nope'],
      says: /^Cannot start "web": .*no program "nope"/m,
    },
  ] as const

  test.each(failures)('$why is one sentence and a failure (O-08, R6)', async ({ argv, says }) => {
    const { code, output: told } = await cluster.tryCli(...argv)
    expect(code).not.toBe(0)
    expect(told).toMatch(says)
    expect(told).not.toMatch(/\n\s+at /)
  })

  test('without a worker it waits and says so; the call fails when its time is over', async () => {
    for (const name of ['w1', 'w2']) await cluster.cli('cordon', name)
    const { code, output: told } = await cluster.tryCli('--image-name', 'web:1', '--timeout', '1s')
    for (const name of ['w1', 'w2']) await cluster.cli('open', name)
    expect(code).toBe(1)
    expect(told).toMatch(/^Waiting: no worker can take it: w[12] is cordoned; w[12] is cordoned$/m)
    await cluster.serves('web', 1)
  })

  test('the same as JSON over HTTP, with nothing of it split from text (O-09, R5, R7)', async () => {
    const environment = { QUOTED: `"'; $(touch /tmp/x) __import__`, EMPTY: '', EQUALS: 'a=b:c' }
    const asked = { name: 'shop', image: 'web:1', network: 'front', hostPort: 9_100, port: 8_081 }
    const body = { ...asked, environment, command: ['sh', '-c', 'env >/www/env; exec /bin/serve'] }
    const { status, json } = await cluster.call('/v1/services', 'POST', body)
    expect(status).toBe(201)
    const { spec } = json as ServiceView
    expect(spec).toMatchObject({ image: 'web:1', hostPort: 9_100, port: 8_081, environment })
    const [replica] = await cluster.serves('shop', 1)
    const { text } = await cluster.fetch(`${replica?.url}/env`)
    expect(text.split('\n')).toEqual(
      expect.arrayContaining(Object.entries(environment).map(([key, value]) => `${key}=${value}`)),
    )
    const again = await cluster.call('/v1/services', 'POST', body)
    expect(again).toMatchObject({
      status: 409,
      json: { error: { message: 'Cannot create service "shop": it exists' } },
    })
    const wrong = await cluster.call('/v1/services', 'POST', { ...asked, name: 'x', hostPort: 0 })
    expect(wrong).toMatchObject({ status: 422, json: { error: { code: 'VALIDATION_ERROR' } } })
  })

  test('an image with a registry, a port and a tag keeps its name everywhere (O-10)', async () => {
    await cluster.cli('--image-name', REGISTERED)
    const [replica] = await cluster.serves('web', 1)
    const listed = JSON.parse(await cluster.cli('--procs', '--json'))
    expect(listed).toMatchObject({ replicas: [{ image: REGISTERED }] })
    expect(await cluster.cli('--proc', replica?.id ?? '')).toContain(REGISTERED)
    for (const name of ['web', REGISTERED]) {
      expect(await asked({ name })).toMatchObject({ status: 200, text: 'ok\n' })
    }
    await cluster.cli('--proc-del', replica?.id ?? '')
    // The proxy hears of it a moment later.
    await until(async () => (await asked({ name: REGISTERED })).status === 404)
    expect(
      (await lab.host(replica?.nodeName ?? '').docker(['ps', '--all', '--quiet'])).trim(),
    ).toBe('')
  })

  test('without a tag the latest is run, with a tag that one (K-04)', async () => {
    await cluster.cli('--image-name', 'app')
    await cluster.cli('--image-name', 'app:2', '--name', 'other')
    const [latest] = await cluster.serves('app', 1)
    const [second] = await cluster.serves('other', 1)
    expect((await cluster.fetch(`${latest?.url}/`)).text).toBe('latest\n')
    expect((await cluster.fetch(`${second?.url}/`)).text).toBe('2\n')
    for (const name of ['app', 'app:latest']) expect((await asked({ name })).text).toBe('latest\n')
    expect((await asked({ name: 'app:2' })).text).toBe('2\n')
  })

  test('requests by name go to its replicas in turn (O-14)', async () => {
    await cluster.cli('--image-name', 'web:1', '--min', '3')
    const replicas = await cluster.serves('web', 3)
    const counts = new Map<string, number>()
    for (let at = 0; at < 30; at += 1) {
      const { status, text } = await cluster.fetch(cluster.at('web', WHO))
      expect(status).toBe(200)
      const replica = text.trim().split(' ')[1] ?? ''
      counts.set(replica, (counts.get(replica) ?? 0) + 1)
    }
    expect([...counts.keys()].toSorted()).toEqual(replicas.map(({ id }) => id).toSorted())
    expect([...counts.values()]).toEqual([10, 10, 10])
  })

  test('curl of the README reaches the service; each mistake has its status (O-15)', async () => {
    await cluster.cli('--image-name', 'web:1', '--name', 'hello')
    const curl = ['curl', '--silent', '-X', 'POST', `${cluster.proxies[0]?.url}/proxy`]
    const body = '{"name": "hello", "method": "GET"}'
    const json = ['-H', 'content-type: application/json', '-d', body]
    expect(await output([...lab.master.prefix, ...curl, ...json])).toBe('ok\n')
    const [replica] = await cluster.serves('hello', 1)
    const named = { name: 'hello', headers: { accept: 'text/plain' }, path: WHO }
    expect((await asked(named)).text).toContain(replica?.id)
    expect(await asked({ name: 'nobody' })).toMatchObject({ status: 404 })
    expect(await asked({ method: 'GET' })).toMatchObject({ status: 400 })
    expect(await asked({ name: 'hello', method: 'TRACE' })).toMatchObject({ status: 400 })
    await lab.host(replica?.nodeName ?? '').docker(['pause', replica?.handle ?? ''])
    await until(async () => (await cluster.replicas('hello'))[0]?.state === 'unhealthy', SLOW)
    const silent = await until(async () => {
      const answer = await asked({ name: 'hello' })
      return answer.status === 503 ? answer : undefined
    })
    expect(silent.text).toContain('Cannot')
  }, 120_000)

  function asked(envelope: object): Promise<{ status: number; text: string }> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
    return cluster.fetch(`${cluster.proxies[0]?.url}/proxy`, {
      ...init,
      body: JSON.stringify(envelope),
    })
  }
})

/** The only container of ours on a host. */
async function inspected(host: LabHost) {
  const [container] = await containersOn(host)
  const [seen] = JSON.parse(await host.docker(['inspect', container?.id ?? '']))
  return seen
}
