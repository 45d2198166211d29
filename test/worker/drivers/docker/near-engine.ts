/** A Docker Engine whose processes the test can see, as a worker sees those of its own machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { output } from '../../../support/command.ts'
import { importArguments } from '../../../support/lab-images.ts'
import { until } from '../../../support/until.ts'

const GROUPS = '/sys/fs/cgroup'

/** It has no network but a loopback of its own, and keeps nothing outside its folder. */
const SCRIPT = `
  for folder in /run /opt /etc/docker; do [ ! -d $folder ] || mount -t tmpfs tmpfs $folder; done
  exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \\
    --host "unix://$1/docker.sock" --cgroup-parent "/$2" --exec-opt native.cgroupdriver=cgroupfs \\
    --bridge none --iptables=false --shutdown-timeout 1
`

export class NearEngine {
  readonly dockerHost: string
  readonly #folder: string
  readonly #engine: ChildProcess

  private constructor(folder: string) {
    this.#folder = folder
    this.dockerHost = `unix://${folder}/docker.sock`
    const script = ['sh', '-c', SCRIPT, '-', folder, basename(folder)]
    this.#engine = spawn('unshare', ['--net', '--mount', ...script], { stdio: 'ignore' })
  }

  static async start(image: string): Promise<NearEngine> {
    const engine = new NearEngine(await mkdtemp(join(tmpdir(), 'orchestrify-near-')))
    await until(() => engine.docker('version'))
    await engine.docker('import', ...(await importArguments('busybox', [])), image)
    return engine
  }

  docker(...argv: readonly string[]): Promise<string> {
    return output(['/usr/bin/docker', '--host', this.dockerHost, ...argv])
  }

  /** With all its containers. */
  async stop(): Promise<void> {
    const ids = (await this.docker('ps', '--all', '--quiet')).split('\n').filter(Boolean)
    if (ids.length > 0) await this.docker('rm', '--force', ...ids)
    const ended = once(this.#engine, 'exit')
    this.#engine.kill('SIGTERM')
    await ended
    await rm(this.#folder, { recursive: true })
    await this.#removeGroups()
  }

  async #removeGroups(): Promise<void> {
    for (const group of ['.', ...(await readdir(GROUPS))]) {
      const folder = join(GROUPS, group, basename(this.#folder))
      await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (!['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) throw error
      })
    }
  }
}
