/** What is listed and deleted, and what a container really gets of what was asked. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NodeView, ReplicaView } from '../../shared/api.ts'
import { type CliCall, callCli } from '../support/cli-call.ts'
import { Cluster } from '../support/cluster.ts'
import { output } from '../support/command.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn, networksOn } from '../support/host-containers.ts'
import { type Pretence, pretend } from '../support/host-figures.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const METRICS_PORT = '18081'
const WEB = { image: 'web:1', autoscale: false }

describe.runIf(hasLab('what a replica on a host gets'))('a replica', () => {
  let lab: Lab
  let cluster: Cluster
  let w1: LabHost
  let pretences: readonly Pretence[] = []

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 2 })
    const masterFlags = ['--replicas-max', '6']
    pretences = await Promise.all(lab.hosts.map(pretend))
    pretences[0]?.say({ cpuPercent: 50, memoryPercent: 5 })
    pretences[1]?.say({ cpuPercent: 20, memoryPercent: 20 })
    const shape = { workers: 2, masterFlags, workerFlags: ['--port', METRICS_PORT] }
    cluster = await Cluster.start({ ...shape, ground: onHosts(lab) })
    w1 = lab.host('w1')
    await Promise.all(lab.hosts.map((host) => lab.importImage(host, 'web:1')))
  })

  afterAll(async () => {
    await cluster?.stop()
    for (const pretence of pretences) pretence.stop()
  })

  beforeEach(() => cluster.nodesAre('ready', 2, 60_000))

  afterEach(() => tidy(cluster, lab.hosts))

  test('is listed, shown and deleted by its short and its full id, as nodes are (O-12)', async () => {
    const both = await started('web', { min: 2 })
    const table = await cluster.cli('--nodes')
    for (const { id, name, address } of await cluster.nodes()) {
      expect(table).toMatch(new RegExp(`${name} +${address}`))
      expect(await cluster.cli('--node', id.slice(0, 8))).toContain(address)
      for (const text of [id, id.slice(0, 8), name]) {
        expect(await cluster.api(`/v1/nodes/${text}`)).toMatchObject({ id, name })
      }
    }
    const list = await cluster.cli('--procs')
    for (const { id, url = '?' } of both) {
      expect(list).toContain(url)
      expect(list).toContain(shortest(id, both))
      for (const text of [id, shortest(id, both)]) {
        expect(await cluster.api(`/v1/replicas/${text}`)).toMatchObject({ id, url })
      }
    }
    const [first, second] = both
    expect(await cluster.cli('--proc', first?.id ?? '')).toContain(first?.url)
    await cluster.cli('--proc-del', shortest(first?.id ?? '', both))
    expect(await cluster.serves('web', 1)).toMatchObject([{ id: second?.id }])
    const gone = await cluster.call(`/v1/replicas/${second?.id}`, 'DELETE')
    expect(gone.status).toBe(202)
    await until(async () => (await cluster.call('/v1/services/web')).status === 404, SLOW)
  })

  test('that is unknown is 404 and a failure, as an unknown node is (O-12)', async () => {
    for (const [flag, path] of [
      ['--node', '/v1/nodes/unknown'],
      ['--node-del', '/v1/nodes/unknown'],
      ['--proc', '/v1/replicas/unknown'],
      ['--proc-del', '/v1/replicas/unknown'],
    ] as const) {
      const method = flag.endsWith('-del') ? 'DELETE' : 'GET'
      expect((await cluster.call(path, method)).status).toBe(404)
      const { code, output: told } = await cluster.tryCli(flag, 'unknown')
      const sentence = /^Cannot find (node|replica) "unknown"\n$/
      expect([code, told]).toEqual([1, expect.stringMatching(sentence)])
    }
  })

  test('that is deleted while its host is cut off goes when the host is back (O-13)', async () => {
    const both = await started('web', { min: 2 })
    const there = both.find(({ nodeName }) => nodeName === 'w1')
    const [container] = await containersOn(w1)
    expect(container?.replica).toBe(there?.id)
    await lab.faults.cut(w1)
    const deleted = call('--proc-del', there?.id ?? '')
    await cluster.nodesAre('lost', 1)
    const reason = 'no longer wanted, but node w1 is lost'
    expect(await cluster.api(`/v1/replicas/${there?.id}`)).toMatchObject({ reason })
    await lab.faults.heal(w1)
    await cluster.nodesAre('ready', 2, 60_000)
    expect(await deleted.ended).toBe(0)
    await until(async () => (await containersOn(w1)).length === 0, SLOW)
    expect(await cluster.serves('web', 1, 60_000)).toMatchObject([{ nodeName: 'w2' }])
  }, 120_000)

  test('goes where CPU and RAM in use are least as numbers: 20 and 20, not 50 and 5 (O-11)', async () => {
    await until(async () => (await figures()).join() === '50,5,20,20', SLOW)
    const [replica] = await started('web', {})
    expect(replica?.nodeName).toBe('w2')
    const reasons = (await cluster.events()).map(({ change }) => change.reason)
    expect(reasons.join('\n')).toContain('w2 runs 0 of it, with 20 % CPU and 20 % RAM in use')
  }, 120_000)

  test('that one host cannot start is started on another, and the call succeeds (C-08)', async () => {
    // Where it would go first.
    const w2 = lab.host('w2')
    const published = `${w2.address}:9200:1`
    await w2.docker(['run', '--detach', '--name', 'stranger', '--publish', published, 'web:1'])
    const told = call('--image-name', 'web:1', '-p', '9200:8080')
    expect(await told.ended).toBe(0)
    expect(told.err()).toMatch(
      /^Waiting: failed on w2: .*port 9200.* is in use.*; tried elsewhere$/m,
    )
    expect(told.out()).toContain(`on w1: http://${w1.address}:9200\n`)
    await w2.docker(['rm', '--force', 'stranger'])
  })

  test('has the limits that were asked, or 1 CPU and 512 MB, in force (T-03, R10)', async () => {
    await started('plain', {})
    await started('small', { cpu: 0.25, memory: '64m', pids: 50 })
    expect(await limitsIn('plain')).toEqual({ cpus: 1, megabytes: 512, pids: 1_000 })
    expect(await limitsIn('small')).toEqual({ cpus: 0.25, megabytes: 64, pids: 50 })
    const hog = call('exec', 'small', '--', 'sh', '-c', 'x=a; while :; do x=$x$x; done')
    expect(await hog.ended).not.toBe(0)
    const [node] = (await cluster.nodes()).filter(({ replicas }) => replicas > 0)
    expect(node?.memoryReservedMb).toBeGreaterThan(0)
  })

  test('more of the cluster than allowed is RESOURCE_EXHAUSTED (T-03)', async () => {
    await cluster.api('/v1/services', 'POST', { name: 'web', ...WEB, min: 1 })
    const refused = await cluster.call('/v1/services', 'POST', { name: 'many', ...WEB, min: 6 })
    expect(refused).toMatchObject({ status: 409, json: { error: { code: 'RESOURCE_EXHAUSTED' } } })
    const told = await cluster.tryCli('scale', 'web', '7')
    expect(told).toMatchObject({ code: 1 })
    expect(told.output).toMatch(/^Cannot add 6 to "web": the cluster has 1 of at most 6 replicas$/m)
  })

  test('finds in its volume what it wrote before it died', async () => {
    const [replica] = await started('web', { volumes: ['notes:/notes'] })
    const host = lab.host(replica?.nodeName ?? '')
    await cluster.cli('exec', 'web', '--', 'sh', '-c', 'echo kept >/notes/one; echo lost >/two')
    await host.docker(['kill', replica?.handle ?? ''])
    const again = await until(async () => {
      const [now] = await cluster.replicas('web')
      return now?.state === 'serving' && now.restarts === 1 ? now : undefined
    }, SLOW)
    expect([again.id, again.nodeName]).toEqual([replica?.id, replica?.nodeName])
    expect(again.handle).not.toBe(replica?.handle)
    expect(await run('web', 'cat /notes/one; ls /two')).toMatch(/^kept\n/)
    expect((await run('web', 'ls /two')).trim()).toBe('')
    await host.docker(['volume', 'inspect', 'notes'])
  })

  test('runs as its user, with its labels, under an init or without one', async () => {
    const labels = { 'com.example.team': 'shop', empty: '' }
    await started('web', { user: '1000:1000', labels, port: 8_080 })
    expect(await run('web', 'id -u; id -g; cat /proc/1/comm')).toBe('1000\n1000\ndocker-init\n')
    const [container] = await everything()
    const [seen] = JSON.parse(
      await lab.host(container?.host ?? '').docker(['inspect', container?.id ?? '']),
    )
    expect(seen.Config.Labels).toMatchObject({ ...labels, 'orchestrify.service-name': 'web' })
    // As the first process its server ignores that it is asked to end.
    await started('bare', { init: false, stopGrace: '1s' })
    expect(await run('bare', 'cat /proc/1/comm')).toBe('httpd\n')
  })

  test('reaches others on each of its networks by the name of their service', async () => {
    await cluster.cli('cordon', 'w2')
    await started('front', { networks: ['outer'] })
    await started('middle', { networks: ['outer', 'inner'] })
    await started('back', { networks: ['inner'] })
    await cluster.cli('open', 'w2')
    expect((await networksOn(w1)).toSorted()).toEqual(['inner', 'outer'])
    const ask = (name: string): string => `timeout 3 wget -q -O - http://${name}:8080/health`
    expect(await run('front', ask('middle'))).toBe('ok\n')
    expect(await run('middle', `${ask('front')}; ${ask('back')}`)).toBe('ok\nok\n')
    const apart = await cluster.tryCli('exec', 'front', '--', 'sh', '-c', ask('back'))
    expect(apart.code).not.toBe(0)
  })

  test('is counted by its node, whose worker tells what it uses (K-09)', async () => {
    const before = await nodeOf('w1')
    await cluster.cli('cordon', 'w2')
    const [replica] = await started('web', { reserve: { cpu: 0.2, memory: '100m' } })
    await cluster.cli('open', 'w2')
    const after = await nodeOf('w1')
    expect(after).toMatchObject({ id: before.id, replicas: 1, memoryReservedMb: 100 })
    expect(after.cpuReserved).toBeCloseTo(0.2)
    const asked = ['curl', '--silent', `http://127.0.0.1:${METRICS_PORT}/metrics`]
    const use = new RegExp(`replica_memory_bytes{[^}]*${replica?.id}[^}]*} [1-9]`)
    const tells = async () => use.test(await output([...w1.prefix, ...asked]))
    await until(tells, { timeoutMs: 30_000 })
  })

  async function started(name: string, spec: object): Promise<readonly ReplicaView[]> {
    await cluster.api('/v1/services', 'POST', { name, ...WEB, ...spec })
    return cluster.serves(name, 'min' in spec ? Number(spec.min) : 1, 60_000)
  }

  function call(...words: readonly string[]): CliCall {
    return callCli(cluster, lab.master, words)
  }

  /** What a command in a replica of the service prints. */
  async function run(service: string, script: string): Promise<string> {
    const running = call('exec', service, '--', 'sh', '-c', script)
    await running.ended
    return running.out()
  }

  /** As the kernel has it for the container. */
  async function limitsIn(service: string) {
    const read = 'cd /sys/fs/cgroup; cat cpu.max memory.max pids.max 2>/dev/null || '
    const older =
      'cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us memory/memory.limit_in_bytes pids/pids.max'
    const text = await run(service, `${read}${older}`)
    const [quota = 0, period = 1, bytes = 0, pids = 0] = text.trim().split(/\s+/).map(Number)
    return { cpus: quota / period, megabytes: bytes / 1_048_576, pids }
  }

  async function everything() {
    const all = lab.hosts.map(async (host) =>
      (await containersOn(host)).map(({ id }) => ({ id, host: host.name })),
    )
    return (await Promise.all(all)).flat()
  }

  async function figures(): Promise<readonly number[]> {
    const all = [await nodeOf('w1'), await nodeOf('w2')]
    return all.flatMap(({ cpuPercent = -1, memoryPercent = -1 }) =>
      [cpuPercent, memoryPercent].map(Math.round),
    )
  }

  async function nodeOf(name: string): Promise<NodeView> {
    return cluster.api(`/v1/nodes/${name}`)
  }
})

/** As much of the id as tells it from the others. */
function shortest(id: string, among: readonly ReplicaView[]): string {
  let length = 8
  while (among.some((one) => one.id !== id && one.id.startsWith(id.slice(0, length)))) length += 1
  return id.slice(0, length)
}
