/** Output and commands of containers, over the network of hosts that fail. */
import { createHash, randomBytes } from 'node:crypto'
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
import type { ReplicaView } from '../../shared/api.ts'
import { type CliCall, callCli } from '../support/cli-call.ts'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { ROOT } from '../support/program.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const TERMINAL = ['python3', join(ROOT, 'test/support/terminal.py'), '30', '90']
const LOST = 'Cannot go on: the connection to worker w1 was lost'
const ENDLESS = ['sh', '-c', 'echo begun; exec sleep 600']
/** Tells of each request on standard error. */
const CHATTY = [
  'sh',
  '-c',
  'echo "hello from $ORCHESTRIFY_SERVICE"; exec httpd -f -vv -p $PORT -h /www',
]

describe.runIf(hasLab('what is seen of containers from afar'))('on hosts', () => {
  let lab: Lab
  let cluster: Cluster
  let w1: LabHost

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 2 })
    cluster = await Cluster.start({ workers: 2, proxies: 0, ground: onHosts(lab) })
    w1 = lab.host('w1')
    await Promise.all(lab.hosts.map((host) => lab.importImage(host, 'web:1')))
  })

  afterAll(() => cluster?.stop())

  beforeEach(() => cluster.nodesAre('ready', 2, 60_000))

  afterEach(() => tidy(cluster, lab.hosts))

  test('logs -f shows every replica on every host, also one that comes later', async () => {
    const both = await chatty('web', 2)
    const following = call('logs', 'web', '-f')
    await until(() => count(following, 'hello from web') === 2)
    for (const replica of both) await isHeard(following, replica)
    await cluster.api('/v1/services/web/scale', 'POST', { min: 3 })
    const three = await cluster.serves('web', 3, 60_000)
    const added = three.find(({ id }) => both.every((known) => known.id !== id))
    await until(() => following.out().includes(`${short(added)}  hello from web`))
    await isHeard(following, added)
    await cluster.api(`/v1/replicas/${added?.id}`, 'DELETE')
    await until(() => following.err().includes(`${short(added)} has ended`), SLOW)
    following.interrupt()
    expect(await following.ended).toBe(130)
    expect(count(following, 'hello from web')).toBe(3)
    const shown = call('logs', 'web')
    expect(await shown.ended).toBe(0)
    for (const replica of both) expect(shown.out()).toContain(`${short(replica)}  hello from web`)
  }, 120_000)

  test('logs shows why a container crashed', async () => {
    const crash = ['sh', '-c', 'echo no database >&2; exit 3']
    // Else it would be tried there, too, before the call fails.
    await cluster.cli('cordon', 'w2')
    const started = call('run', 'crash', '--image', 'web:1', '--', ...crash)
    const [replica] = await until(async () => {
      const all = await cluster.replicas('crash')
      return all.some(({ restarts }) => restarts > 0) ? all : undefined
    }, SLOW)
    const shown = call('logs', replica?.id ?? '')
    expect([await shown.ended, shown.out()]).toEqual([0, expect.stringContaining('no database\n')])
    expect(await started.ended).toBe(1)
    expect(started.err()).toMatch(/^Cannot start "crash": .*exited with code 3: no database/m)
    await cluster.cli('open', 'w2')
  }, 120_000)

  test('logs -f goes on where it was when a worker dies and comes back', async () => {
    const both = await chatty('web', 2)
    const following = call('logs', 'web', '-f')
    await until(() => count(following, 'hello from web') === 2)
    await cluster.workers.get('w1')?.end('SIGKILL')
    await until(() => following.err().includes('worker w1'), SLOW)
    await cluster.startWorker('w1')
    await cluster.nodesAre('ready', 2, 60_000)
    for (const replica of both) await isHeard(following, replica)
    expect(count(following, 'hello from web')).toBe(2)
    following.interrupt()
    await following.ended
  }, 120_000)

  test('a host that is cut off: logs -f says so and shows what replaces it, exec ends', async () => {
    const both = await chatty('web', 2)
    const there = both.find(({ nodeName }) => nodeName === 'w1')
    const following = call('logs', 'web', '-f')
    await until(() => count(following, 'hello from web') === 2)
    const running = call('exec', there?.id ?? '', '--', ...ENDLESS)
    await until(() => running.out() === 'begun\n', SLOW)
    await lab.faults.cut(w1)
    try {
      await cluster.nodesAre('lost', 1)
      const two = await cluster.serves('web', 2, 60_000)
      const added = two.find(({ id }) => both.every((known) => known.id !== id))
      await until(() => following.out().includes(`${short(added)}  hello from web`), SLOW)
      await isHeard(following, added)
      expect(await running.ended).toBe(1)
      expect(running.err()).toContain(LOST)
      await until(() => following.err().includes(`${short(there)} ${LOST}`), SLOW)
    } finally {
      await lab.faults.heal(w1)
    }
    await cluster.nodesAre('ready', 2, 60_000)
    following.interrupt()
    expect(await following.ended).toBe(130)
  }, 120_000)

  test('exec hands on input, both outputs and the exit code', async () => {
    await chatty('web', 1)
    const failing = call('exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')
    expect(await failing.ended).toBe(7)
    expect([failing.out(), failing.err().split('\n')[1]]).toEqual(['out\n', 'err'])
    const bytes = randomBytes(1_500_000).toString('hex')
    const piped = call('exec', 'web', '-i', '--', 'sh', '-c', 'tee /copy | sha256sum')
    piped.type(bytes)
    piped.endInput()
    expect(await piped.ended).toBe(0)
    expect(piped.out()).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n`)
    const back = call('exec', 'web', '--', 'cat', '/copy')
    expect([await back.ended, back.out() === bytes]).toEqual([0, true])
    const missing = call('exec', 'web', '--', 'no-such-program')
    expect([await missing.ended, missing.out()]).toEqual([1, ''])
    expect(missing.err()).toContain(
      'Cannot run "no-such-program": its image has no program "no-such-program"',
    )
  }, 120_000)

  test('exec -it is a terminal: its size, its keys, its end', async () => {
    const [replica] = await chatty('web', 1)
    const place = { ...lab.master, around: TERMINAL }
    const shell = callCli(cluster, place, ['exec', 'web', '-it', '--', 'sh'])
    onTestFinished(shell.kill)
    const order = (value: object): void => shell.type(`${JSON.stringify(value)}\n`)
    const typed = (text: string): void => order({ type: text })
    await until(() => shell.out().includes('# '), SLOW)
    typed('tty; stty size\n')
    await until(() => /\/dev\/pts\/0\r+\n30 90\r/.test(shell.out()))
    order({ resize: [40, 100] })
    typed('stty size\n')
    await until(() => shell.out().includes('40 100\r'))
    typed('echo begun; sleep 600\n')
    await until(() => shell.out().includes('\nbegun\r'))
    typed('\u0003')
    typed('echo "still $((40 + 2))"\n')
    await until(() => shell.out().includes('still 42'))
    typed('exit 5\n')
    await until(() => shell.out().includes('ended 5 restored'))
    const host = lab.host(replica?.nodeName ?? '')
    expect(await host.docker(['top', replica?.handle ?? ''])).not.toContain('sleep')
  }, 120_000)

  test('Ctrl-C ends a command in its container', async () => {
    const [replica] = await chatty('web', 1)
    const running = call('exec', 'web', '--', ...ENDLESS)
    await until(() => running.out() === 'begun\n', SLOW)
    running.interrupt()
    expect(await running.ended).toBe(130)
    const host = lab.host(replica?.nodeName ?? '')
    await until(async () => !(await host.docker(['top', replica?.handle ?? ''])).includes('sleep'))
  })

  test('exec ends with a sentence when its worker dies, and works again with the next', async () => {
    const both = await chatty('web', 2)
    const there = both.find(({ nodeName }) => nodeName === 'w1')?.id ?? ''
    const running = call('exec', there, '--', ...ENDLESS)
    await until(() => running.out() === 'begun\n', SLOW)
    await cluster.workers.get('w1')?.end('SIGKILL')
    expect(await running.ended).toBe(1)
    expect(running.err()).toContain(LOST)
    await cluster.startWorker('w1')
    await cluster.nodesAre('ready', 2, 60_000)
    await until(async () => (await call('exec', there, '--', 'true').ended) === 0, SLOW)
  }, 120_000)

  async function chatty(name: string, min: number): Promise<readonly ReplicaView[]> {
    const spec = { image: 'web:1', command: CHATTY, autoscale: false, stopGrace: '1s' }
    await cluster.api('/v1/services', 'POST', { name, ...spec, min })
    return cluster.serves(name, min, 60_000)
  }

  function call(...words: readonly string[]): CliCall {
    const called = callCli(cluster, lab.master, words)
    onTestFinished(called.kill)
    return called
  }

  /** What the replica says of a request is shown, once. */
  async function isHeard(following: CliCall, replica: ReplicaView | undefined): Promise<void> {
    const path = `/asked-${randomBytes(4).toString('hex')}`
    await cluster.fetch(`${replica?.url}${path}`)
    await until(() => following.out().includes(path), SLOW)
    const lines = following
      .out()
      .split('\n')
      .filter((line) => line.includes(path))
    expect(lines).toEqual([expect.stringContaining(`${short(replica)}  `)])
  }
})

function count(called: CliCall, text: string): number {
  return called.out().split(text).length - 1
}

function short(replica: ReplicaView | undefined): string {
  return replica?.id.slice(0, 8) ?? '?'
}
