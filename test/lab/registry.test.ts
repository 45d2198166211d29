/** Images come from registries that ask for passwords, are slow, and are away. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest'
import type { Change } from '../../shared/change.ts'
import { type CliCall, callCli } from '../support/cli-call.ts'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import type { Credentials, LabRegistry } from '../support/lab-registry.ts'
import { ROOT } from '../support/program.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const FAT_MB = 6
/** Of the host w2: less than it needs for the fat image over its slow link. */
const START_DEADLINE = '6s'

describe.runIf(hasLab('how images are pulled', ['docker-registry']))('an image', () => {
  let lab: Lab
  let cluster: Cluster
  let w1: LabHost
  let w2: LabHost
  let open: LabRegistry
  let closed: LabRegistry
  let guarded: string
  let config: string

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 2 })
    w1 = lab.host('w1')
    w2 = lab.host('w2')
    open = await lab.registry()
    closed = await lab.registry({ auth: true, port: 5_001 })
    config = join(lab.dir, 'docker-config')
    mkdirSync(config)
    await fill()
    const workerFlags = ['--docker-config', config]
    const masterFlags = ['--registry', `${open.address}/team`]
    cluster = await Cluster.start({ workers: 1, masterFlags, workerFlags, ground: onHosts(lab) })
    await cluster.startWorker('w2', ['--start-deadline', START_DEADLINE])
  }, 120_000)

  afterAll(() => cluster?.stop())

  beforeEach(() => cluster.nodesAre('ready', 2, 60_000))

  afterEach(async () => {
    await tidy(cluster, lab.hosts)
    for (const host of lab.hosts) await host.docker(['image', 'prune', '--all', '--force'])
    rmSync(join(config, 'config.json'), { force: true })
  })

  /** What the registries have, and no host has. */
  async function fill(): Promise<void> {
    await lab.importImage(w1, 'web:1')
    guarded = await closed.push(w1, 'web:1', 'private/web:1')
    await open.push(w1, 'web:1', 'team/web:1')
    const write = `dd if=/dev/urandom of=/fat bs=1M count=${FAT_MB}`
    await w1.docker(['run', '--name', 'fat', 'web:1', 'sh', '-c', write])
    await w1.docker(['commit', '--change', 'CMD ["/bin/serve"]', 'fat', 'fat:1'])
    await open.push(w1, 'fat:1', 'team/fat:1')
    await w1.docker(['rm', 'fat'])
    await w1.docker(['image', 'prune', '--all', '--force'])
  }

  test('without a registry is pulled from the one of the master, on every host', async () => {
    const told = call('run', 'web', '--image', 'web:1', '--min', '2')
    expect(await told.ended).toBe(0)
    expect(told.err()).toContain(`pulling ${open.address}/team/web:1`)
    const replicas = await cluster.serves('web', 2, 60_000)
    expect(replicas.map(({ nodeName }) => nodeName).toSorted()).toEqual(['w1', 'w2'])
    for (const host of lab.hosts) {
      expect(await host.docker(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toBe(
        `${open.address}/team/web:1\n`,
      )
    }
  }, 90_000)

  test('is the one that its digest names, also when it is asked for by that (O-10)', async () => {
    const name = `${open.address}/team/web`
    await w1.docker(['pull', `${name}:1`])
    const seen = await w1.docker(['inspect', '--format', '{{index .RepoDigests 0}}', `${name}:1`])
    const digest = seen.trim().split('@')[1] ?? ''
    const image = `${name}@${digest}`
    await cluster.cli('--image-name', image, '--min', '2')
    const replicas = await cluster.serves('web', 2, 60_000)
    expect(replicas.map((replica) => replica.image)).toEqual([image, image])
    const asked = { method: 'POST', body: JSON.stringify({ name: image, path: '/health' }) }
    const headers = { 'content-type': 'application/json' }
    const url = `${cluster.proxies[0]?.url}/proxy`
    expect((await cluster.fetch(url, { ...asked, headers })).text).toBe('ok\n')
    const other = await cluster.tryCli(
      '--image-name',
      `${name}@sha256:${'0'.repeat(64)}`,
      '--name',
      'no',
    )
    expect(other.code).toBe(1)
    expect(other.output).toMatch(/^Cannot start "no": .*has no such image or tag$/m)
  }, 90_000)

  test("is pulled with the password in the worker's Docker configuration", async () => {
    know(closed.credentials)
    await cluster.cli('--image-name', guarded, '--min', '2')
    await cluster.serves('web', 2, 60_000)
  }, 90_000)

  test('is denied without a password and with a wrong one, which nobody is told', async () => {
    const without = await cluster.tryCli('--image-name', guarded, '--name', 'without')
    expect(without.code).toBe(1)
    expect(without.output).toMatch(denied('without', 'this node has no credentials for it'))
    know({ username: 'lab', password: 'not-the-password' })
    const wrong = await cluster.tryCli('--image-name', guarded, '--name', 'wrong')
    expect(wrong.code).toBe(1)
    expect(wrong.output).toMatch(denied('wrong', 'with the credentials that this node has'))
    const events = JSON.stringify(await cluster.events())
    const logs = [...cluster.workers.values()].map((worker) => worker.output).join('')
    expect(`${events}${logs}${wrong.output}`).not.toContain('not-the-password')
    // Nobody has to ask again when it is mended.
    know(closed.credentials)
    await cluster.serves('wrong', 1, 60_000)
  }, 120_000)

  test('of a registry that is away is named, and pulled when that is back (C-08)', async () => {
    await open.stop()
    const told = await cluster.tryCli('--image-name', 'web:1')
    expect(told.code).toBe(1)
    const clause = `the registry ${open.address} does not answer (connection refused)`
    expect(told.output).toContain(`Cannot pull ${open.address}/team/web:1: ${clause}`)
    await open.start()
    await cluster.serves('web', 1, 60_000)
  }, 120_000)

  test('that is there is used although its registry is away, also with --pull always', async () => {
    await w1.docker(['pull', `${open.address}/team/web:1`])
    await cluster.cli('cordon', 'w2')
    await open.stop()
    try {
      await cluster.cli('--image-name', 'web:1', '--pull', 'always')
      await cluster.serves('web', 1)
    } finally {
      await open.start()
      await cluster.cli('open', 'w2')
    }
  }, 90_000)

  test('that takes longer than a start may is given up there and pulled elsewhere (C-08, C-09)', async () => {
    const before = (await cluster.events()).at(-1)?.revision ?? 0
    await lab.faults.rate(w2, '2mbit')
    try {
      await cluster.cli('cordon', 'w1')
      await cluster.api('/v1/services', 'POST', { name: 'fat', image: 'fat:1' })
      await until(async () => (await cluster.replicas('fat'))[0]?.state === 'starting', SLOW)
      await cluster.cli('open', 'w1')
      const [replica] = await cluster.serves('fat', 1, 60_000)
      expect(replica?.nodeName).toBe('w1')
    } finally {
      await lab.faults.unrate(w2)
    }
    const changes = (await cluster.events(before)).map(({ change }) => change)
    const removed = changes.filter(({ kind }) => kind === 'replica-removed')
    expect(removed[0]?.reason).toMatch(
      /^failed on w2: Cannot pull \S+\/team\/fat:1: it was not pulled in time, [\d.]+ of 7\.\d MB$/,
    )
    const served = (change: Change): boolean =>
      change.kind === 'replica-phase' && change.phase === 'serving'
    expect(changes.filter(served).at(-1)?.reason).toContain('w1')
    expect(await containersOn(w2)).toEqual([])
  }, 120_000)

  test('is seen coming by who waits for it, on a terminal in one line', async () => {
    await lab.faults.rate(w1, '16mbit')
    await cluster.cli('cordon', 'w2')
    try {
      const terminal = ['python3', join(ROOT, 'test/support/terminal.py'), '30', '120']
      const place = { ...lab.master, around: terminal }
      const told = callCli(cluster, place, ['run', 'fat', '--image', 'fat:1'])
      onTestFinished(told.kill)
      await until(() => {
        expect(told.out()).toMatch(/pulling \S+\/team\/fat:1, \d of 2 layers \d+% of 7\.\d MB/)
        return true
      }, SLOW)
      await until(() => told.out().includes('\nended 0'), SLOW)
      expect(told.out()).toContain('"fat" serves')
    } finally {
      await cluster.cli('open', 'w2')
      await lab.faults.unrate(w1)
    }
  }, 120_000)

  function call(...words: readonly string[]): CliCall {
    return callCli(cluster, lab.master, words)
  }

  /** What the workers know of the registry that asks for a password. */
  function know(credentials: Credentials | undefined): void {
    const { username, password } = credentials ?? { username: '', password: '' }
    const auth = Buffer.from(`${username}:${password}`).toString('base64')
    const content = { auths: { [closed.address]: { auth } } }
    writeFileSync(join(config, 'config.json'), JSON.stringify(content))
  }

  function denied(name: string, how: string): RegExp {
    const who = `the registry ${closed.address} denies access`
    return new RegExp(`^Cannot start "${name}": .*${who}.*${how}$`, 'm')
  }
})
