/** A machine of its own that boots systemd: the units run under what they are written for. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT } from '../support/program.ts'
import { until } from '../support/until.ts'
import { removeCgroups } from './cgroups.ts'

const COMMAND_MS = 60_000

export interface Outcome {
  readonly code: number | null
  readonly output: string
}

export class SystemdHost {
  readonly #folder = mkdtempSync(join(tmpdir(), 'orchestrify-systemd-'))
  readonly #holder: ChildProcess
  #said = ''

  private constructor() {
    const script = join(ROOT, 'test/packaging/systemd-host.sh')
    const boot = ['sh', script, basename(this.#folder), this.#folder, ROOT]
    // Whoever kills the tests ends the machine, too.
    const argv = ['--pdeathsig', 'KILL', ...boot]
    this.#holder = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer): void => {
      this.#said += chunk.toString('utf8')
    }
    this.#holder.stdout?.on('data', keep)
    this.#holder.stderr?.on('data', keep)
  }

  static async start(): Promise<SystemdHost> {
    const host = new SystemdHost()
    try {
      await until(() => host.#hasBooted(), { everyMs: 100 })
      return host
    } catch (error) {
      await host.stop()
      throw new Error(`Cannot boot systemd: ${host.#said}`, { cause: error })
    }
  }

  /** Runs a command inside, as root. */
  run(...argv: readonly string[]): Outcome {
    const options = ['--target', `${this.#init()}`, '--mount', '--pid', '--net', '--uts', '--ipc']
    // The environment of the tests is not the machine's.
    const clean = ['env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin']
    const line = [...options, '--root', '--wd', '--', ...clean, ...argv]
    const done = spawnSync('nsenter', line, { encoding: 'utf8', timeout: COMMAND_MS })
    return { code: done.status, output: `${done.stdout}${done.stderr}` }
  }

  /** Like `run`, but a failure is thrown. */
  must(...argv: readonly string[]): string {
    const { code, output } = this.run(...argv)
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${output}`)
    return output
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('exit', resolve))
    if (this.#holder.kill('SIGKILL')) await ended
    await removeCgroups(basename(this.#folder))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #hasBooted(): boolean {
    return (
      this.#init() !== undefined && this.run('systemctl', 'is-active', 'bare.target').code === 0
    )
  }

  /** The first process of the machine, as seen from here. */
  #init(): number | undefined {
    const { pid } = this.#holder
    const path = `/proc/${pid}/task/${pid}/children`
    const [first] = existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ') : []
    return first === undefined || first === '' ? undefined : Number(first)
  }
}
