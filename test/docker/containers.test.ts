import { copyFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { output } from '../support/command.ts'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { expectNoDoubles, IMAGE, inside, inspect, leftOn, PATIENCE, Stage } from './stage.ts'

describe.runIf(hasLab('how containers are kept that misbehave'))('containers on hosts', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await Stage.open({ hosts: 2 })
  })
  afterEach(() => stage.clear())
  afterAll(() => stage?.close())

  test('one that ignores being asked to end is killed after its grace', async () => {
    const script = 'trap "" TERM; exec httpd -f -p $PORT -h /www'
    await stage.run('web', { command: ['sh', '-c', script], stopGrace: '2s' })
    const [one] = await stage.cluster.serves('web', 1, 60_000)
    const host = stage.host(one?.nodeName)
    await stage.cluster.cli('rm', 'web')
    await stage.clear()
    const format = ['--format', '{{.Action}} {{.Actor.Attributes.signal}} {{.TimeNano}}']
    // "0s" would be the beginning of this second.
    const now = (Date.now() / 1_000).toFixed(6)
    const range = ['--since', '10m', '--until', now, '--filter', `container=${one?.handle}`]
    const said = (await host.docker(['events', ...range, ...format])).split('\n')
    const at = (start: string): number => {
      const line = said.find((each) => each.startsWith(start))
      if (line === undefined) throw new Error(`no ${start} in ${said.join('; ')}`)
      return Number(line.split(' ').at(-1)) / 1e6
    }
    const tookMs = at('kill 9') - at('kill 15')
    expect(tookMs).toBeGreaterThan(1_900)
    expect(tookMs).toBeLessThan(8_000)
  })

  test('a paused one is named, gets no request, and comes back as it was', async () => {
    await stage.run('web', { min: 2 })
    await stage.cluster.serves('web', 2, 60_000)
    const victim = await stage.replicaOn('w1')
    const before = await inspect(stage.host(), victim.handle ?? '')
    const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
    await until(() => load.replicas.size === 2)
    await stage.host().docker(['pause', victim.handle ?? ''])
    await stage.state(victim.id, 'unhealthy', /^it is paused$/)
    expect(await stage.cluster.cli('procs', 'web')).toMatch(/unhealthy .* it is paused/)
    const outAtMs = Date.now() + 1_000
    await until(() => load.since(outAtMs).length > 20)
    expect(new Set(load.since(outAtMs).map(({ replica }) => replica)).size).toBe(1)
    await stage.host().docker(['unpause', victim.handle ?? ''])
    await stage.state(victim.id, 'serving')
    const backAtMs = Date.now()
    await until(() => load.since(backAtMs).some(({ replica }) => replica === victim.id))
    await load.stop()
    expect(load.failed).toEqual([])
    const after = await inspect(stage.host(), victim.handle ?? '')
    expect(after.State.StartedAt).toBe(before.State.StartedAt)
    expect((await stage.cluster.replicas('web')).map(({ restarts }) => restarts)).toEqual([0, 0])
  })

  const ends = [
    { how: 'docker kill', argv: ['kill'], reason: /^killed by SIGKILL/ },
    { how: 'docker rm -f', argv: ['rm', '--force'], reason: /^killed by SIGKILL|vanished/ },
  ]
  test.each(ends)('one that is ended by hand with $how is started again', async (row) => {
    await stage.run('web', { min: 2 })
    await stage.cluster.serves('web', 2, 60_000)
    const victim = await stage.replicaOn('w1')
    const revision = await stage.revision()
    const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
    await until(() => load.replicas.size === 2)
    await stage.host().docker([...row.argv, victim.handle ?? ''])
    const again = await until(async () => {
      const now = await stage.replicaOn('w1')
      return now.state === 'serving' && now.handle !== victim.handle ? now : undefined
    }, PATIENCE)
    await load.stop()
    expect(again).toMatchObject({ id: victim.id, url: victim.url, restarts: 1 })
    const waited = (await stage.told(revision)).find((line) => line.includes('phase waiting'))
    expect(waited?.replace('replica-phase waiting: ', '')).toMatch(row.reason)
    expect(load.failed.length).toBeLessThanOrEqual(2)
    await expectNoDoubles(stage)
  })

  test('one that runs out of memory is named with its limit and started again', async () => {
    const script =
      'httpd -p $PORT -h /www; while [ ! -e /tmp/eat ]; do sleep 0.1; done; exec tail /dev/zero'
    await stage.run('web', { command: ['sh', '-c', script], memory: '24m' })
    const [one] = await stage.cluster.serves('web', 1, 60_000)
    const revision = await stage.revision()
    await inside(stage.host(one?.nodeName), one?.handle ?? '', 'touch /tmp/eat')
    const waiting = await until(async () => {
      return (await stage.told(revision)).find((line) => line.includes('phase waiting'))
    }, PATIENCE)
    expect(waiting).toMatch(/: ran out of memory \(limit 24 MB\)/)
    await stage.cluster.serves('web', 1, 60_000)
    await expectNoDoubles(stage)
  })

  test('one that exits at once never counts as running and is tried elsewhere (C-08)', async () => {
    const revision = await stage.revision()
    const script = 'echo cannot find my settings >&2; exit 3'
    await stage.run('bad', { command: ['sh', '-c', script] })
    const removed = await until(async () => {
      const lines = (await stage.told(revision)).filter((line) => line.includes('-removed: failed'))
      return lines.length >= 2 ? lines : undefined
    }, PATIENCE)
    const reason = /failed on w\d: exited with code 3: cannot find my settings, 3 times before it/
    for (const line of removed) expect(line).toMatch(reason)
    const places = (await stage.cluster.events(revision)).flatMap(({ change }) =>
      change.kind === 'replica-added' ? [change.replica.node] : [],
    )
    expect(new Set(places.slice(0, 2)).size).toBe(2)
    expect((await stage.told(revision)).join('\n')).not.toContain('phase serving')
    expect(await stage.cluster.service('bad')).toMatchObject({ serving: 0 })
    const { status, text } = await stage.cluster.fetch(stage.cluster.at('bad'))
    expect(`${status} ${text}`).toMatch(/^503 .*(is failed|is waiting|is starting|waits)/s)
  }, 90_000)

  test('one that serves for a moment again and again waits twice as long each time', async () => {
    const script = 'httpd -p $PORT -h /www; sleep 3; echo enough for today; exit 4'
    await stage.run('web', { command: ['sh', '-c', script] })
    const [one] = await stage.cluster.serves('web', 1, 60_000)
    const reason = (seconds: number, deaths: number): RegExp =>
      new RegExp(
        `^exited with code 4: enough for today; starts again after ${seconds} s \\(death ${deaths} `,
      )
    await stage.state(one?.id ?? '', 'waiting', reason(1, 1))
    await stage.state(one?.id ?? '', 'waiting', reason(2, 2))
    await stage.state(one?.id ?? '', 'waiting', reason(4, 3))
    await expectNoDoubles(stage)
  })

  test('one without a shell is served, and a command in it says what is missing', async () => {
    const root = mkdtempSync(join(stage.lab.dir, 'bare-'))
    copyFileSync('/bin/busybox', join(root, 'httpd'))
    await output(['tar', '--create', '--file', `${root}.tar`, '--directory', root, '.'])
    const command = 'CMD ["/httpd", "-f", "-p", "8080"]'
    const hosts = stage.lab.hosts.map((host) =>
      host.docker(['import', '--change', command, `${root}.tar`, 'bare:1']),
    )
    await Promise.all(hosts)
    await stage.run('bare', { image: 'bare:1', health: { tcp: true, interval: '1s' } })
    await stage.cluster.serves('bare', 1, 60_000)
    expect((await stage.cluster.fetch(stage.cluster.at('bare', '/httpd'))).status).toBe(200)
    const { code, output: said } = await stage.cluster.tryCli('exec', 'bare', '--', 'sh')
    expect(code).not.toBe(0)
    expect(said).toContain('its image has no program "sh"')
  })

  test('one whose image brings a check is in rotation as long as that passes', async () => {
    const test = 'test -e /tmp/well || { echo not well; exit 1; }'
    const check = `HEALTHCHECK --interval=1s --timeout=5s --retries=2 CMD ${test}`
    const images = stage.lab.hosts.map((host) =>
      stage.lab.importImage(host, 'checked:1', 'busybox', [check]),
    )
    await Promise.all(images)
    await stage.run('web', { image: 'checked:1', min: 2, health: { image: true } })
    const host = stage.host()
    const [one, two] = await until(async () => {
      const all = [await stage.replicaOn('w1'), await stage.replicaOn('w2')]
      return all.every(({ state }) => state === 'starting') && all
    }, PATIENCE)
    expect(await stage.cluster.service('web')).toMatchObject({ serving: 0 })
    await inside(host, one?.handle ?? '', 'touch /tmp/well')
    await inside(stage.host('w2'), two?.handle ?? '', 'touch /tmp/well')
    await stage.cluster.serves('web', 2, 60_000)
    const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
    await inside(host, one?.handle ?? '', 'rm /tmp/well')
    await stage.state(one?.id ?? '', 'unhealthy', /^the check of its image fails: not well$/)
    const outAtMs = Date.now() + 1_000
    await until(() => load.since(outAtMs).length > 20)
    expect(load.since(outAtMs).map(({ replica }) => replica)).not.toContain(one?.id)
    await inside(host, one?.handle ?? '', 'touch /tmp/well')
    await stage.state(one?.id ?? '', 'serving')
    await load.stop()
    expect(load.failed).toEqual([])
    expect((await stage.cluster.replicas('web')).map(({ restarts }) => restarts)).toEqual([0, 0])
  })

  test('foreign ones are never touched, whatever their names and labels', async () => {
    await stage.run('web', { min: 2 })
    await stage.cluster.serves('web', 2, 60_000)
    const { id, node, handle = '' } = await stage.replicaOn('w1')
    const [, ours] = (await inspect(stage.host(), handle)).Name.split('/')
    const flags = [
      ['--name', `${ours}-copy`],
      ['--label', 'orchestrify.node=another', '--label', `orchestrify.replica=${id}`],
      ['--label', `orchestrify.replica=${id}`],
      ['--label', `orchestrify.node=${node}`],
    ]
    const run = ['run', '--detach', '--network', 'none']
    const started = flags.map((each) => stage.host().docker([...run, ...each, IMAGE]))
    const foreign = (await Promise.all(started)).map((id) => id.trim())
    const looks = (): Promise<unknown[]> =>
      Promise.all(foreign.map(async (each) => (await inspect(stage.host(), each)).State))
    const before = await looks()
    await stage.cluster.workers.get('w1')?.end('SIGKILL')
    await stage.cluster.startWorker('w1')
    await stage.cluster.serves('web', 2, 60_000)
    await stage.host().docker(['kill', handle])
    await until(async () => (await stage.replicaOn('w1')).handle !== handle, PATIENCE)
    await stage.cluster.cli('rm', 'web')
    await until(async () => (await stage.cluster.replicas()).length === 0, PATIENCE)
    await until(async () => (await leftOn(stage.host())).length === foreign.length, PATIENCE)
    expect(await looks()).toEqual(before)
    await stage.host().docker(['rm', '--force', ...foreign])
  })
})
