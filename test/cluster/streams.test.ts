/** Output, commands and starts of replicas, seen from the command line of the real programs. */
import { readFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { type CliCall, callCli } from '../support/cli-call.ts'
import { Cluster } from '../support/cluster.ts'
import { until } from '../support/until.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.start({ workers: 2, proxies: 0 })
})
afterAll(() => cluster.stop())

/** One call of the command line, its outputs apart. */
function call(...argv: readonly string[]): CliCall {
  const called = callCli(cluster, { prefix: [] }, argv)
  onTestFinished(() => called.kill())
  return called
}

async function done(...argv: readonly string[]) {
  const called = call(...argv)
  const code = await called.ended
  return { code, out: called.out(), err: called.err() }
}

const CHATTY = `
  console.log('hello from', process.env.ORCHESTRIFY_SERVICE)
  console.error('and a doubt')
  require('node:http')
    .createServer((request, response) => {
      console.log('asked for', request.url)
      response.end('ok')
    })
    .listen(Number(process.env.PORT), process.env.HOST)`

async function chatty(name: string, count = 1): Promise<readonly ReplicaView[]> {
  const command = [process.execPath, '-e', CHATTY]
  await cluster.api('/v1/services', 'POST', { name, command, min: count, autoscale: false })
  onTestFinished(async () => {
    await cluster.api(`/v1/services/${name}`, 'DELETE')
    await until(async () => (await cluster.call(`/v1/services/${name}`)).status === 404)
  })
  return cluster.serves(name, count)
}

const short = (replica: ReplicaView | undefined): string => replica?.id.slice(0, 8) ?? ''

describe('orchestrify logs', () => {
  test('shows what all replicas of a service printed, each line with its replica', async () => {
    const replicas = await chatty('many', 2)
    const { code, out, err } = await done('logs', 'many')
    const lines = replicas.flatMap((replica) => [
      `${short(replica)}  hello from many`,
      `${short(replica)}  and a doubt`,
    ])
    expect(out.trim().split('\n').toSorted()).toEqual(lines.toSorted())
    expect([code, err]).toEqual([0, ''])
  })

  test('shows one replica by the beginning of its id, plain or as JSON', async () => {
    const [replica] = await chatty('one')
    expect((await done('logs', short(replica))).out).toBe('hello from one\nand a doubt\n')
    const json = await done('logs', 'one', '--json', '--tail', '1')
    expect(
      json.out
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text)),
    ).toEqual([
      { replica: replica?.id, stream: 'stdout', text: 'hello from one' },
      { replica: replica?.id, stream: 'stderr', text: 'and a doubt' },
    ])
    expect((await done('logs', 'one', '--tail', '0')).out).toBe('')
  })

  test('shows why a replica crashed, also after it was replaced', async () => {
    const command = [process.execPath, '-e', "console.error('no database'); process.exit(1)"]
    await cluster.api('/v1/services', 'POST', { name: 'crash', command, min: 1 })
    onTestFinished(() => cluster.api('/v1/services/crash', 'DELETE'))
    const [first] = await until(async () => {
      const all = await cluster.replicas('crash')
      return all.some(({ node }) => node !== undefined) ? all : undefined
    })
    await until(async () => (await done('logs', first?.id ?? '')).out.includes('no database'))
    await until(async () => (await cluster.replicas('crash')).every(({ id }) => id !== first?.id), {
      timeoutMs: 60_000,
    })
    const { code, out } = await done('logs', first?.id ?? '')
    expect([code, out.includes('no database')]).toEqual([0, true])
  }, 90_000)

  test('--follow goes on with what is printed, with replicas that come and others that go', async () => {
    const [first] = await chatty('growing')
    const following = call('logs', 'growing', '-f')
    await until(() => following.out().includes('hello from growing'))
    await fetch(`${first?.url}/first-question`)
    await until(() => following.out().includes(`${short(first)}  asked for /first-question`))
    await cluster.api('/v1/services/growing/scale', 'POST', { min: 2 })
    const both = await cluster.serves('growing', 2)
    const second = both.find(({ id }) => id !== first?.id)
    await until(() => following.out().includes(`${short(second)}  hello from growing`))
    await cluster.api(`/v1/replicas/${first?.id}`, 'DELETE')
    await until(() => following.err().includes(`${short(first)} has ended`))
    following.interrupt()
    expect(await following.ended).toBe(130)
    expect(following.out().split('asked for')).toHaveLength(2)
  }, 90_000)

  test('--follow outlives the master, and says so once', async () => {
    const [replica] = await chatty('lasting')
    const following = call('logs', 'lasting', '--follow')
    await until(() => following.out().includes('hello'))
    await cluster.master?.end('SIGKILL')
    await until(() => following.err().includes('waiting for it'))
    await cluster.startMaster()
    await cluster.nodesAre('ready', 2)
    await until(async () => {
      await fetch(`${replica?.url}/again`)
      return following.out().includes('asked for /again')
    })
    expect(following.out().split('hello')).toHaveLength(2)
    following.interrupt()
    await following.ended
    const healed = await done('exec', 'lasting', '--', 'true')
    expect(healed.code).toBe(0)
  }, 90_000)

  test('what is not there is one sentence and exit code 1', async () => {
    for (const word of [
      ['logs', 'nobody'],
      ['exec', 'nobody', '--', 'true'],
    ]) {
      const { code, err } = await done(...word)
      expect([code, err.split('\n')[0]]).toEqual([1, 'Cannot find a service or a replica "nobody"'])
    }
  })

  test.each([
    { argv: ['logs', 'x', '--tail', '-1'], says: 'Cannot use "-1" for --tail' },
    { argv: ['logs', 'x', '--since', 'then'], says: 'Cannot use "then" for --since' },
    { argv: ['exec', 'x'], says: 'Cannot run nothing' },
  ])('$argv exits with 2', async ({ argv, says }) => {
    const { code, err } = await done(...argv)
    expect([code, err.startsWith(says)]).toEqual([2, true])
  })

  test('a reader that stops holds up neither the master nor its workers', async () => {
    const script = `${CHATTY}
      const line = 'x'.repeat(1_000)
      const flood = () => { for (let n = 0; n < 200; n += 1) console.log(line); setTimeout(flood, 5) }
      flood()`
    const command = [process.execPath, '-e', script]
    await cluster.api('/v1/services', 'POST', { name: 'flood', command, autoscale: false })
    const [replica] = await cluster.serves('flood', 1)
    const url = `${cluster.masterUrl}/v1/replicas/${replica?.id}/logs?follow=true`
    const responses = await Promise.all(
      Array.from(
        { length: 20 },
        () => new Promise<IncomingMessage>((resolve) => get(url, resolve)),
      ),
    )
    for (const response of responses) {
      response.on('error', () => undefined)
      response.pause()
    }
    const before = memoryOf(cluster.master?.pid ?? 0)
    const seenBefore = new Map((await cluster.nodes()).map(({ id, seenAt }) => [id, seenAt]))
    const looks: number[] = []
    await until(() => looks.push(memoryOf(cluster.master?.pid ?? 0)) >= 20, { everyMs: 100 })
    // Each of them may hold a window and what the sockets hold, never what is printed meanwhile.
    expect(Math.max(...looks) - before).toBeLessThan(100_000_000)
    const nodes = await cluster.nodes()
    expect(nodes.map(({ condition }) => condition)).toEqual(['ready', 'ready'])
    expect(nodes.every(({ id, seenAt = '' }) => seenAt > (seenBefore.get(id) ?? ''))).toBe(true)
    expect((await done('exec', 'flood', '--', 'echo', 'still here')).out).toBe('still here\n')
    for (const response of responses) response.destroy()
    await cluster.api('/v1/services/flood', 'DELETE')
  }, 90_000)
})

/** Of the process, in bytes. */
function memoryOf(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1_024
}

describe('orchestrify exec', () => {
  test('runs a command in a serving replica: outputs apart, its exit code, its place', async () => {
    const [replica] = await chatty('web')
    const script = 'echo out; echo err >&2; echo $ORCHESTRIFY_SERVICE; exit 7'
    const { code, out, err } = await done('exec', 'web', '--', 'sh', '-c', script)
    expect([code, out]).toEqual([7, 'out\nweb\n'])
    expect(err).toContain(`In replica ${short(replica)} on `)
    expect(err.endsWith('err\n')).toBe(true)
    const byId = await done('exec', short(replica), '--', 'pwd')
    expect(byId.out.trim().endsWith(replica?.id ?? '?')).toBe(true)
    expect(byId.err).toBe('')
    const log = cluster.master?.output ?? ''
    expect(log).toContain('command in a replica')
    expect(log).not.toContain(script)
  })

  test('passes on its input to the end with -i, and none without', async () => {
    await chatty('echo')
    const text = 'a line\n'.repeat(100_000)
    const piped = call('exec', 'echo', '-i', '--', 'cat')
    piped.type(text)
    piped.endInput()
    expect(await piped.ended).toBe(0)
    expect(piped.out() === text).toBe(true)
    expect(await done('exec', 'echo', '--', 'cat')).toMatchObject({ code: 0, out: '' })
  })

  test('says what cannot be: no terminal here or there, no such program', async () => {
    await chatty('plain')
    const here = await done('exec', 'plain', '-t', '--', 'sh')
    expect([here.code, here.err]).toEqual([2, expect.stringContaining('Cannot open a terminal')])
    const missing = await done('exec', 'plain', '--', 'no-such-program')
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringContaining('Cannot run "no-such-program"'),
    ])
  })

  test('Ctrl-C ends the command', async () => {
    await chatty('long')
    const running = call('exec', 'long', '--', 'sh', '-c', 'echo $$; exec sleep 600')
    const pid = Number(await until(() => running.out().trim()))
    running.interrupt()
    expect(await running.ended).toBe(130)
    await until(() => !isThere(pid))
  })

  test('a worker that dies ends the command with a sentence', async () => {
    const [replica] = await chatty('lost')
    const name = replica?.nodeName ?? ''
    const running = call('exec', 'lost', '--', 'sh', '-c', 'echo begun; exec sleep 600')
    await until(() => running.out().includes('begun'))
    await cluster.workers.get(name)?.end('SIGKILL')
    expect(await running.ended).toBe(1)
    expect(running.err()).toContain(`the connection to worker ${name} was lost`)
    const { err } = await done('logs', replica?.id ?? '')
    expect(err).toContain(`worker ${name} is not connected`)
    cluster.startWorker(name)
    await cluster.nodesAre('ready', 2)
    await until(async () => (await done('exec', 'lost', '--', 'true')).code === 0)
  }, 90_000)
})

function isThere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === false
  } catch {
    return false
  }
}
