/** The image and docker-compose.yml on real engines: built, started, joined, killed, upgraded. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { output } from '../support/command.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { ROOT } from '../support/program.ts'
import { until } from '../support/until.ts'
import { BuildEngine } from './build-engine.ts'
import { docker, script } from './docker.ts'
import { documented } from './documented.ts'
import { nodeImage } from './node-image.ts'

/** Its name in docker-compose.yml and in the documentation. */
const IMAGE = 'orchestrify'
const NODE_IMAGE = 'node:test'
const PROJECT = 'packaged'
const HEALTHCHECK = ['node', '/opt/orchestrify/bin/healthcheck.mjs']
const PROGRAMS = ['master', 'worker', 'proxy'] as const
const FILES = ['docker-compose.yml', 'test/packaging/compose.busy.yml']
/** Answers every path with the name of its container. */
const SERVICE =
  'require("node:http").createServer((_, r) => r.end(process.env.HOSTNAME)).listen(process.env.PORT)'
const SIZE_MAX_MB = 250

const TOOLS = ['docker-compose', 'npm', 'setpriv']
const canRun = hasLab('the image and docker-compose.yml on real engines', TOOLS)

describe.runIf(canRun)('the image', { timeout: 120_000 }, () => {
  let lab: Lab
  let host: LabHost
  let other: LabHost
  let environment: Readonly<Record<string, string>>
  const folder = mkdtempSync(join(tmpdir(), 'orchestrify-image-'))

  beforeAll(async () => {
    const builder = await BuildEngine.start()
    try {
      const built = build(builder)
      lab = await Lab.start({ hosts: 2 })
      ;[host, other] = [lab.host('w1'), lab.host('w2')]
      await built
      const file = join(builder.folder, 'images.tar')
      await builder.docker('save', '--output', file, IMAGE, NODE_IMAGE)
      for (const { dockerHost } of lab.hosts) await docker(dockerHost, ['load', '--input', file])
    } finally {
      await builder.stop()
    }
    environment = {
      COMPOSE_PROJECT_NAME: PROJECT,
      COMPOSE_FILE: FILES.map((name) => join(ROOT, name)).join(':'),
      DOCKER_GID: String(statSync(host.socketPath).gid),
      ...{ MASTER_HOST: '0.0.0.0', ADVERTISE: host.address },
    }
  }, 240_000)

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await lab?.stop()
  })

  test('it holds the programs and nothing that only builds or tests them', async () => {
    const [{ Size, Config }] = JSON.parse(await inHost('image', 'inspect', IMAGE))
    const [node] = JSON.parse(await inHost('image', 'inspect', NODE_IMAGE))
    const sizeMb = Math.round(Size / 1_000_000)
    const baseMb = Math.round(node.Size / 1_000_000)
    console.log(`the image has ${sizeMb} MB, ${baseMb} MB of them Node`)
    expect(sizeMb).toBeLessThan(SIZE_MAX_MB)
    expect(Config).toMatchObject({
      User: '1000:1000',
      StopSignal: 'SIGTERM',
      Volumes: { '/var/lib/orchestrify': {} },
    })
    const held = await shell('cd /opt/orchestrify && ls -A . dist node_modules')
    for (const name of ['.npmrc', 'shared.ts', 'test', 'typescript', 'vitest']) {
      expect(held.split('\n')).not.toContain(name)
    }
    const sources = 'find /opt/orchestrify -path "*/node_modules" -prune -o -name "*.ts" -print'
    expect(await shell(sources)).toBe('')
  })

  test.each([
    [['--version'], /^\d+\.\d+\.\d+$/m],
    [['--help'], /services/],
    [['master', '--help'], /--heartbeat-every/],
    [['worker', '--help'], /--master-ip/],
    [['proxy', '--help'], /--admin-port/],
  ])('%j is understood', async (argv, expected) => {
    expect(await inHost('run', '--rm', IMAGE, ...argv)).toMatch(expected)
  })

  test.each([
    ['master', /^$/],
    // Without a master it has no routing table yet.
    ['proxy', /it answers 503/],
  ])('the %s hears SIGTERM as the first process of its container', async (name, said) => {
    const id = (await inHost('run', '--detach', IMAGE, name)).trim()
    await until(async () => {
      return said.test(await inHost('exec', id, ...HEALTHCHECK).catch((error) => String(error)))
    })
    await inHost('stop', '--time', '30', id)
    const [{ State }] = JSON.parse(await inHost('inspect', id))
    expect(State.ExitCode).toBe(0)
    await inHost('rm', '--volumes', id)
  })

  test('Compose takes the file, and says what it needs to be told', async () => {
    expect((await asked('docker compose config --services')).trim().split('\n').sort()).toEqual(
      [...PROGRAMS].sort(),
    )
    const without = { ...environment, DOCKER_GID: '' }
    await expect(script(host.dockerHost, 'docker compose config', without)).rejects.toThrow(
      'stat --format %g /var/run/docker.sock',
    )
  })

  test('three programs start, not as root, on a file system that they cannot write to', async () => {
    await asked('docker compose up --detach --no-build')
    await until(async () => (await list('nodes')).length === 1)
    for (const name of PROGRAMS) {
      expect(await exec(name, 'id', '-u')).toBe('1000')
      expect(await exec(name, 'sed', '-n', 's/^CapEff:\\s*//p', '/proc/self/status')).toMatch(
        /^0+$/,
      )
      await expect(exec(name, 'touch', '/opt/orchestrify/new')).rejects.toThrow('Read-only')
      await until(async () => (await health(name)) === '')
    }
    expect(await exec('master', 'orchestrify', 'token')).toMatch(/^orchestrify worker .*orc1\./)
    expect(await list('nodes')).toMatchObject([{ driver: 'docker', condition: 'ready' }])
  })

  test('the worker runs a service as a container, the proxy carries requests to it', async () => {
    const service = ['--image', NODE_IMAGE, '--', 'node', '-e', SERVICE]
    await exec('master', 'orchestrify', 'run', 'web', ...service)
    const [container] = await containersOn(host)
    expect(container?.isRunning).toBe(true)
    expect(await answer()).toBe(container?.hostname)
  })

  test('another machine joins with the pasted line, and takes its share', async () => {
    const line = (await exec('master', 'orchestrify', 'token')).replace(/^orchestrify /, '')
    const pasted = documented('--name orchestrify-worker').replace(/worker --master-ip .*/, line)
    await output([...other.prefix, 'sh', '-euc', pasted])
    await until(async () => (await list('nodes')).length === 2)
    await exec('master', 'orchestrify', 'scale', 'web', '2')
    const seen = new Set<string>()
    await until(async () => seen.add(await answer()).size === 2 && !seen.has(''))
    expect(await containersOn(other)).toHaveLength(1)
  })

  test('the engine finds all three healthy', async () => {
    for (const name of PROGRAMS) {
      const status = ['inspect', '--format', '{{.State.Health.Status}}', containerOf(name)]
      await until(async () => (await inHost(...status)).trim() === 'healthy', { timeoutMs: 90_000 })
    }
  })

  test('a killed master comes back with all it knew, and traffic does not notice', async () => {
    const before = await procs()
    await inHost('kill', containerOf('master'))
    expect(await answer()).not.toBe('')
    await inHost('start', containerOf('master'))
    await until(async () => isDeepStrictEqual(await procs(), before))
    expect(await list('services')).toMatchObject([{ name: 'web' }])
  })

  test('a backup of the master is taken while traffic goes on', async () => {
    const load = await lab.load(`http://${host.address}:8080/s/web/`, 20)
    await asked(`cd ${folder}\n${documented('docker cp')}`)
    await until(async () => (await list('services')).length === 1)
    await load.stop()
    expect(load.failed).toEqual([])
    expect(readdirSync(join(folder, 'master-backup'))).toContain('identity')
  })

  test('replicas live on while all three programs are replaced', async () => {
    const [before, known] = [await containersOn(host), await procs()]
    await asked('docker compose kill master worker')
    await asked('docker compose up --detach --no-build --force-recreate')
    await until(async () => isDeepStrictEqual(await procs(), known))
    await until(async () => (await answer()) !== '')
    expect(await containersOn(host)).toEqual(before)
  })

  test('after the end nothing is left but what others own', async () => {
    await exec('master', 'orchestrify', 'rm', 'web')
    await until(async () => (await containersOn(host)).length === 0)
    await until(async () => (await containersOn(other)).length === 0)
    await asked('docker compose down --volumes')
    expect(await inHost('ps', '--all', '--quiet')).toBe('')
    expect(await inHost('volume', 'ls', '--quiet')).toBe('')
  })

  function inHost(...argv: readonly string[]): Promise<string> {
    return docker(host.dockerHost, argv)
  }

  function asked(text: string): Promise<string> {
    return script(host.dockerHost, text, environment)
  }

  async function shell(script: string): Promise<string> {
    return (await inHost('run', '--rm', '--entrypoint', 'sh', IMAGE, '-c', script)).trim()
  }

  async function exec(name: string, ...argv: readonly string[]): Promise<string> {
    return (await inHost('exec', containerOf(name), ...argv)).trim()
  }

  /** Empty when the check of the image is content; it throws otherwise. */
  function health(name: string): Promise<string> {
    return exec(name, ...HEALTHCHECK)
  }

  async function list(word: 'nodes' | 'procs' | 'services'): Promise<Record<string, unknown>[]> {
    const answer = JSON.parse(await exec('master', 'orchestrify', word, '--json'))
    return answer[word === 'procs' ? 'replicas' : word]
  }

  /** What must not change while a replica lives on. */
  async function procs(): Promise<unknown[]> {
    const all = await list('procs')
    return all.map(({ id, url, state, restarts }) => ({ id, url, state, restarts }))
  }

  async function answer(): Promise<string> {
    const { status, text } = await lab.fetch(`http://${host.address}:8080/s/web/`)
    return status === 200 ? text : ''
  }
})

interface Container {
  readonly id: string
  readonly hostname: string
  readonly isRunning: boolean
  readonly startedAt: string
}

/** The replicas that an engine holds. */
async function containersOn({ dockerHost }: LabHost): Promise<Container[]> {
  const filter = ['--filter', 'label=orchestrify.replica']
  const ids = (await docker(dockerHost, ['ps', '--all', '--quiet', ...filter])).trim()
  if (ids === '') return []
  const found = JSON.parse(await docker(dockerHost, ['inspect', ...ids.split('\n')]))
  return found.map(({ Id, Config, State }: Inspected) => {
    const { Running: isRunning, StartedAt: startedAt } = State
    return { id: Id, hostname: Config.Hostname, isRunning, startedAt }
  })
}

interface Inspected {
  readonly Id: string
  readonly Config: { readonly Hostname: string }
  readonly State: { readonly Running: boolean; readonly StartedAt: string }
}

function containerOf(name: string): string {
  return `${PROJECT}_${name}_1`
}

/** The real Dockerfile, on a Node that is there: other images cannot be reached from everywhere. */
async function build(builder: BuildEngine): Promise<void> {
  const { tar, settings } = nodeImage(builder.folder)
  await builder.docker('import', ...settings, tar, NODE_IMAGE)
  const given = { NODE_IMAGE, NPM_CONFIG_REGISTRY: await registry() }
  const args = Object.entries(given).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
  await builder.docker('build', '--network', 'host', ...args, '--tag', IMAGE, ROOT)
}

/** The registry that brought the packages of this machine. */
async function registry(): Promise<string> {
  return (await output(['npm', 'config', 'get', 'registry'])).trim()
}
