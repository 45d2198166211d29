/** A network of its own, with an address that is not loopback: what runs inside reaches nothing else. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { until } from './until.ts'

export const FAR_ADDRESS = '10.99.0.1'

export class Network {
  readonly #holder: ChildProcess

  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  /** Needs root, `unshare`, `nsenter` and `ip`. */
  static async create(): Promise<Network> {
    const holder = spawn('unshare', ['--net', '--', 'sleep', '600'], { stdio: 'ignore' })
    const network = new Network(holder)
    await until(() => holder.exitCode !== null || network.#isOwn())
    if (holder.exitCode !== null) throw new Error('Cannot make a network: unshare needs root')
    for (const argv of [
      ['link', 'set', 'lo', 'up'],
      ['address', 'add', `${FAR_ADDRESS}/32`, 'dev', 'lo'],
    ]) {
      const done = network.run(['ip', ...argv])
      if (done.code !== 0) throw new Error(`Cannot set up the network: ${done.output}`)
    }
    return network
  }

  /** What to put before a command so that it runs inside. */
  get prefix(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, '--']
  }

  run(argv: readonly string[]): { code: number | null; output: string } {
    const [command = '', ...rest] = [...this.prefix, ...argv]
    const done = spawnSync(command, rest, { encoding: 'utf8', timeout: 30_000 })
    return { code: done.status, output: `${done.stdout}${done.stderr}` }
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('exit', resolve))
    this.#holder.kill('SIGKILL')
    await ended
  }

  /** The holder left our network behind: before, `ip` would change ours. */
  #isOwn(): boolean {
    const own = `/proc/${this.#holder.pid}/ns/net`
    if (!existsSync(own)) return false
    const [ours, theirs] = ['/proc/self/ns/net', own].map((path) =>
      spawnSync('readlink', [path], { encoding: 'utf8' }).stdout.trim(),
    )
    return theirs !== '' && ours !== theirs
  }
}
