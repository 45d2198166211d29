/** A Docker Engine that reaches the registry of packages, as the machine that runs the tests does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ROOT } from '../support/program.ts'
import { until } from '../support/until.ts'
import { removeCgroups } from './cgroups.ts'
import { docker } from './docker.ts'

export class BuildEngine {
  readonly folder = mkdtempSync(join(tmpdir(), 'orchestrify-build-'))
  readonly #daemon: ChildProcess
  #said = ''

  private constructor() {
    const script = join(ROOT, 'test/packaging/build-engine.sh')
    const engine = ['sh', script, basename(this.folder), this.folder]
    // Whoever kills the tests ends the engine, too.
    this.#daemon = spawn('setpriv', ['--pdeathsig', 'KILL', ...engine], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#daemon.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString('utf8')
    })
  }

  static async start(): Promise<BuildEngine> {
    const engine = new BuildEngine()
    try {
      const answered = await until(() => engine.#ended ?? engine.docker('version'))
      if (answered === engine.#ended) throw new Error(answered)
      return engine
    } catch (error) {
      await engine.stop()
      throw new Error(`Cannot start an engine: ${engine.#said}`, { cause: error })
    }
  }

  get #ended(): string | undefined {
    const { exitCode } = this.#daemon
    return exitCode === null ? undefined : `it ended with ${exitCode}`
  }

  docker(...argv: readonly string[]): Promise<string> {
    return docker(`unix://${join(this.folder, 'docker.sock')}`, argv)
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve))
    if (this.#daemon.kill('SIGKILL')) await ended
    await removeCgroups(basename(this.folder))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
