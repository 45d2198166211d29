/** The lab shows on itself that each fault does what it says, and that it leaves nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { output } from '../support/command.ts'
import { Lab } from '../support/lab.ts'
import { insidePid } from '../support/lab-group.ts'
import type { LabHost, LabPlace } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { leftOf } from '../support/lab-traces.ts'
import { ROOT } from '../support/program.ts'
import { until } from '../support/until.ts'

const HOSTS_SH = join(ROOT, 'test/lab/hosts.sh')
const PORT = 8_080

describe.runIf(hasLab('what the lab of Docker hosts does', ['docker-registry', 'mkfs.ext4']))(
  'a lab',
  () => {
    let lab: Lab
    let w1: LabHost
    let w2: LabHost

    beforeAll(async () => {
      lab = await Lab.start({ hosts: 2 })
      w1 = lab.host('w1')
      w2 = lab.host('w2')
      await Promise.all(lab.hosts.map(serve))
    })

    afterAll(() => lab.stop())

    test('has engines that differ, and this machine sees none of their network', async () => {
      const infos = lab.hosts.map((host) => host.docker(['info', '--format', '{{.Name}} {{.ID}}']))
      const [first, second] = await Promise.all(infos)
      expect(first).toMatch(/^w1 /)
      expect(second).toMatch(/^w2 /)
      expect(first?.split(' ')[1]).not.toBe(second?.split(' ')[1])
      expect(readFileSync('/proc/net/route', 'utf8')).not.toContain('004D0A')
      expect(readFileSync(`/proc/${w1.enginePid()}/comm`, 'utf8')).toBe('dockerd\n')
    })

    test('cut() makes packets vanish until heal()', async () => {
      await lab.faults.cut(w1)
      expect(await at(w1)).toBe('timeout')
      expect(await at(w2)).toBe('open')
      await lab.faults.heal(w1)
      await serves(w1)
    })

    test('part() hides two hosts from each other only, until unpart()', async () => {
      await lab.faults.part(w1, w2)
      await expect(seenFrom(w1, w2)).rejects.toThrow()
      expect([await at(w1), await at(w2)]).toEqual(['open', 'open'])
      await lab.faults.unpart(w1, w2)
      expect(await until(() => seenFrom(w1, w2))).toBe('ok\n')
    })

    test('freeze() leaves connections that nobody answers, until thaw()', async () => {
      await lab.faults.freeze(w1)
      expect(await at(w1)).toBe('open')
      await expect(lab.fetch(urlOf(w1), { timeoutMs: 500 })).rejects.toThrow(/Cannot GET/)
      await lab.faults.thaw(w1)
      await serves(w1)
    })

    test('kill() ends everything in a host, and start() boots it with its data', async () => {
      const program = inside(w1, ['sleep', '600'])
      const ended = endOf(program)
      await until(() => insidePid(program.pid ?? 0))
      const id = await w1.docker(['info', '--format', '{{.ID}}'])
      await w1.docker(['pause', 'server'])
      await lab.faults.kill(w1)
      expect(await ended).toBe('SIGKILL')
      expect(await at(w1)).not.toBe('open')
      expect(w1.enginePid()).toBeUndefined()
      await lab.faults.start(w1)
      await serves(w1)
      expect(await w1.docker(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toBe('web:1\n')
      expect(await w1.docker(['info', '--format', '{{.ID}}'])).toBe(id)
    })

    test('killEngine() leaves containers, stopEngine() stops them, startEngine() brings them', async () => {
      await lab.faults.killEngine(w1)
      await expect(w1.docker(['version'])).rejects.toThrow(/Cannot connect/)
      await serves(w1)
      await lab.faults.startEngine(w1)
      await serves(w1)
      await lab.faults.stopEngine(w1)
      expect(await at(w1)).toBe('refused')
      await lab.faults.startEngine(w1)
      await serves(w1)
    })

    test('hangEngine() silences the engine, not its containers, until resumeEngine()', async () => {
      await lab.faults.hangEngine(w1)
      await expect(w1.docker(['version'], { timeoutMs: 500 })).rejects.toThrow()
      await serves(w1)
      await lab.faults.resumeEngine(w1)
      expect(await w1.docker(['version'])).toContain('Server')
    })

    test('delay() holds packets back both ways, also across a cut, until undelay()', async () => {
      await lab.faults.delay(w1, 60)
      // To connect and to ask takes a round trip each.
      expect(await tookMs(() => serves(w1))).toBeGreaterThan(230)
      await lab.faults.cut(w1)
      expect(await at(w1)).toBe('timeout')
      await lab.faults.heal(w1)
      await serves(w1)
      await lab.faults.delay(w1, 0, { lossPercent: 100 })
      expect(await at(w1)).toBe('timeout')
      await lab.faults.undelay(w1)
      await serves(w1)
    })

    test('rate() makes bytes take their time, until unrate()', async () => {
      await w1.docker(['exec', 'server', 'dd', 'if=/dev/zero', 'of=/www/big', 'bs=1k', 'count=512'])
      await lab.faults.rate(w1, '8mbit')
      const download = (): Promise<unknown> => lab.fetch(urlOf(w1, '/big'))
      expect(await tookMs(download)).toBeGreaterThan(300)
      await lab.faults.unrate(w1)
      expect((await lab.fetch(urlOf(w1, '/big'))).text).toHaveLength(512 * 1024)
    })

    test('runs programs wholly inside a host: signals reach them, and SIGKILL, too', async () => {
      const script = `process.on('SIGTERM', () => process.exit(7)); console.log(process.pid,
      require('os').hostname()); setInterval(() => {}, 1000)`
      const asked = inside(w1, [process.execPath, '-e', script])
      const killed = inside(w1, [process.execPath, '-e', script])
      const printed = await Promise.all([asked, killed].map(firstOutput))
      for (const line of printed) expect(line).toMatch(/^\d{1,3} w1\n$/)
      const pid = await until(() => insidePid(killed.pid ?? 0))
      asked.kill('SIGTERM')
      killed.kill('SIGKILL')
      expect(await Promise.all([asked, killed].map(endOf))).toEqual([7, 'SIGKILL'])
      await until(() => !existsSync(`/proc/${pid}`))
    })

    test('runs programs on the network of the master', async () => {
      expect(await output([...lab.master.prefix, 'hostname', '-I'])).toBe('10.77.0.10 \n')
      expect(await output([...lab.master.prefix, 'curl', '-s', urlOf(w2)])).toBe('ok\n')
    })

    test('reach() leads to an address of the lab and respects a half-closed connection', async () => {
      const { socketPath } = await lab.reach(w2.address, PORT)
      const socket = connect({ path: socketPath, allowHalfOpen: true })
      let answer = ''
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString('utf8')
      })
      socket.end('GET /health HTTP/1.0\r\n\r\n')
      await until(() => answer.endsWith('ok\n'))
      socket.destroy()
      expect(await lab.probe(w2.address, PORT + 1)).toBe('refused')
      const load = await lab.load(urlOf(w2), 50)
      await until(() => load.answers.length >= 5)
      await load.stop()
      expect(load.failed).toEqual([])
    })

    test('registry() serves what was pushed to it, to who may, and while it runs', async () => {
      const registry = await lab.registry({ auth: true })
      const reference = await registry.push(w1, 'web:1', 'web:2')
      await w1.docker(['logout', registry.address])
      await expect(w2.docker(['pull', reference])).rejects.toThrow(/no basic auth|unauthorized/)
      await registry.login(w2)
      expect(await w2.docker(['pull', reference])).toContain('Downloaded newer image')
      await registry.stop()
      await w2.docker(['rmi', reference])
      await expect(w2.docker(['pull', reference])).rejects.toThrow(/connection refused/)
      await registry.start()
      await w2.docker(['pull', reference])
    })

    test('stands beside another one, whose host is small; stop() leaves nothing of it', async () => {
      const disk = { host: 'w1', megabytes: 64 }
      const small = { memoryMb: 512, cpus: 1, disk, engineFlags: ['--live-restore'] }
      const other = await Lab.start({ hosts: 1, ...small })
      const host = other.host('w1')
      await serve(host)
      expect(host.address).toBe(w1.address)
      expect(await host.docker(['info', '--format', '{{.NCPU}} {{.MemTotal}}'])).toBe(
        '1 536870912\n',
      )
      expect(totalmem()).toBeGreaterThan(536_870_912)
      const before = await host.docker(['inspect', '--format', '{{.State.Pid}}', 'server'])
      await other.faults.killEngine(host)
      await other.faults.startEngine(host)
      expect(await host.docker(['inspect', '--format', '{{.State.Pid}}', 'server'])).toBe(before)
      await other.faults.fill(host)
      await expect(host.importImage('web:2', 'node')).rejects.toThrow(/no space left/)
      await other.faults.drain(host)
      await host.importImage('web:2')
      await other.faults.freeze(host)
      expect(leftOf(other.dir)).not.toEqual([])
      await other.stop()
      await until(() => leftOf(other.dir).length === 0)
      await serves(w1)
    })

    test('ends with its owner, also when that is killed', async () => {
      const hold = `require('child_process').spawn('bash', [${JSON.stringify(HOSTS_SH)}, 'keep'],
      { stdio: ['pipe', 'inherit', 'inherit'], detached: true })`
      const owner = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] })
      const dir = (await firstOutput(owner)).trim()
      await output(['bash', HOSTS_SH, 'add', 'w1'], { env: { LAB_DIR: dir } })
      const enter = ['bash', HOSTS_SH, 'enter']
      const [command = '', ...rest] = enter
      const env = { ...process.env, LAB_DIR: dir }
      const program = spawn(command, [...rest, 'm', 'sleep', '600'], { env, stdio: 'ignore' })
      const ended = endOf(program)
      await until(() => program.pid !== undefined && commandOf(program.pid) === 'sleep')
      owner.kill('SIGKILL')
      expect(await ended).toBe('SIGKILL')
      await until(() => leftOf(dir).length === 0)
    })

    async function serve(host: LabHost): Promise<void> {
      await host.importImage('web:1')
      const published = `${host.address}:${PORT}:${PORT}`
      const flags = [
        '--detach',
        '--init',
        '--name',
        'server',
        '--restart',
        'always',
        '--publish',
        published,
      ]
      await host.docker(['run', ...flags, 'web:1'])
    }

    async function serves(host: LabHost): Promise<void> {
      const { text } = await until(() => lab.fetch(urlOf(host), { timeoutMs: 1_000 }))
      expect(text).toBe('ok\n')
    }

    function at(place: LabPlace): Promise<string> {
      return lab.probe(place.address, PORT, 500)
    }
  },
)

function urlOf(place: LabPlace, path = '/health'): string {
  return `http://${place.address}:${PORT}${path}`
}

function seenFrom(from: LabPlace, to: LabPlace): Promise<string> {
  return output([...from.prefix, 'curl', '--silent', '--fail', '--max-time', '1', urlOf(to)])
}

function inside(place: LabPlace, argv: readonly string[]): ChildProcess {
  const [command = '', ...rest] = [...place.prefix, ...argv]
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
}

function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
  )
}

function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk))))
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
}

async function tookMs(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await task()
  return performance.now() - startedMs
}
