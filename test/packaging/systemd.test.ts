/** The units on a machine that boots systemd: what docs/installing.md says, done. */
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasRoot } from '../support/root.ts'
import { until } from '../support/until.ts'
import { SystemdHost } from './systemd-host.ts'

const PROGRAMS = ['master', 'worker', 'proxy'] as const
const canBoot = hasRoot('the systemd units on a machine that boots systemd')

describe.runIf(canBoot)('on a machine that boots systemd', () => {
  let host: SystemdHost

  beforeAll(async () => {
    host = await SystemdHost.start()
    install()
  })

  afterAll(() => host?.stop())

  test('the three programs start, as a user without any right beyond its own', async () => {
    host.must('systemctl', 'start', ...PROGRAMS.map(unitOf))
    await until(() => nodes().length === 1)
    for (const name of PROGRAMS) {
      const status = host.must('cat', `/proc/${mainPid(name)}/status`)
      expect(field(status, 'Uid'), name).not.toMatch(/\b0\b/)
      expect(field(status, 'NoNewPrivs'), name).toBe('1')
      expect(field(status, 'Seccomp'), name).toBe('2')
      const rights = name === 'proxy' ? '0000000000000400' : '0000000000000000'
      expect(field(status, 'CapEff'), name).toBe(rights)
    }
  })

  test('a service answers on port 80', async () => {
    const program = '/opt/orchestrify/dist/examples/sample-service.js'
    host.must('orchestrify', 'run', 'web', '--health', '/health', '--', 'node', program)
    await until(answers)
  })

  test('a reload of the proxy lets another process take over, and nobody is refused', async () => {
    const parent = mainPid('proxy')
    const before = childrenOf(parent)
    const seen: boolean[] = []
    host.must('systemctl', 'reload', unitOf('proxy'))
    await until(() => {
      seen.push(answers())
      const now = childrenOf(parent)
      return now.length === 1 && now[0] !== before[0]
    })
    expect(mainPid('proxy')).toBe(parent)
    expect(seen).not.toContain(false)
  })

  test('a replica lives on when each program crashes and is restarted', async () => {
    const before = procs()
    for (const name of PROGRAMS) {
      const pid = mainPid(name)
      host.must('systemctl', 'kill', '--kill-who=main', '--signal=KILL', unitOf(name))
      await until(() => !['0', pid].includes(mainPid(name)))
    }
    await until(answers)
    await until(() => isDeepStrictEqual(procs(), before))
    expect(before).toHaveLength(1)
  })

  test('a worker that is stopped leaves its replicas running, and finds them again', async () => {
    const before = procs()
    host.must('systemctl', 'stop', unitOf('worker'))
    expect(answers()).toBe(true)
    host.must('systemctl', 'start', unitOf('worker'))
    await until(() => isDeepStrictEqual(procs(), before))
  })

  test('its data lies in /var/lib/orchestrify, for its user only', () => {
    const listed = host.must('stat', '--format', '%U %a', ...PROGRAMS.map(dataOf))
    expect(listed.trim().split('\n')).toEqual(PROGRAMS.map(() => 'orchestrify 700'))
    const line = host.must('orchestrify', 'token', '--data', '/var/lib/orchestrify')
    expect(line).toMatch(/^orchestrify worker --master-ip https:\S+ --token orc1\.\S+/)
  })

  test('all programs stop when they are told to', () => {
    host.must('orchestrify', 'rm', 'web')
    host.must('systemctl', 'stop', ...PROGRAMS.map(unitOf))
    for (const name of PROGRAMS) {
      expect(host.run('systemctl', 'show', '-P', 'Result', unitOf(name)).output.trim()).toBe(
        'success',
      )
    }
  })

  /** The steps of the documentation, and settings that a busy machine of tests needs. */
  function install(): void {
    host.must('ln', '-s', '/opt/orchestrify/bin/orchestrify.mjs', '/usr/local/bin/orchestrify')
    if (host.run('which', 'node').code !== 0) {
      host.must('ln', '-s', process.execPath, '/usr/local/bin/node')
    }
    host.must('systemd-sysusers', '/opt/orchestrify/systemd/sysusers.conf')
    const sources = PROGRAMS.map((name) => `/opt/orchestrify/systemd/orchestrify-${name}.service`)
    host.must('cp', ...sources, '/etc/systemd/system/')
    settings('master', ['ORCHESTRIFY_BUSY_CPU=100', 'ORCHESTRIFY_BUSY_MEMORY=100'])
    settings('worker', ['ORCHESTRIFY_DRIVER=process', 'ORCHESTRIFY_LEAVE_GRACE=1s'])
    settings('proxy', ['ORCHESTRIFY_PORT=80'])
    host.must('systemctl', 'daemon-reload')
  }

  function settings(name: string, lines: readonly string[]): void {
    const write = 'printf "%s\\n" "$@" >"$0"'
    host.must('sh', '-c', write, `/etc/orchestrify/${name}.env`, ...lines)
  }

  function mainPid(name: string): string {
    return host.must('systemctl', 'show', '-P', 'MainPID', unitOf(name)).trim()
  }

  function childrenOf(pid: string): readonly string[] {
    const text = host.must('cat', `/proc/${pid}/task/${pid}/children`)
    return text.split(' ').filter(Boolean)
  }

  function nodes(): readonly unknown[] {
    return JSON.parse(host.must('orchestrify', 'nodes', '--json')).nodes
  }

  /** What must not change while a replica lives on. */
  function procs(): readonly unknown[] {
    const { replicas } = JSON.parse(host.must('orchestrify', 'procs', '--json'))
    return replicas.map(({ id, url, state, restarts }: Record<string, unknown>) => {
      return { id, url, state, restarts }
    })
  }

  function answers(): boolean {
    return host.run('curl', '--silent', '--fail', 'http://127.0.0.1:80/s/web/').code === 0
  }
})

function unitOf(name: string): string {
  return `orchestrify-${name}.service`
}

function dataOf(name: string): string {
  return `/var/lib/orchestrify/${name}`
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
}
