/** One Docker host of a lab, with what the worker uses to bring images to it and to measure. */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../../shared/clock.ts'
import { type Engine, openEngine } from '../../../../worker/drivers/docker/engine.ts'
import { engineAddress } from '../../../../worker/drivers/docker/engine-address.ts'
import { createImages, type Images } from '../../../../worker/drivers/docker/images.ts'
import { openRegistryCredentials } from '../../../../worker/drivers/docker/registry-credentials.ts'
import { output } from '../../../support/command.ts'
import { Lab } from '../../../support/lab.ts'
import type { LabHost } from '../../../support/lab-host.ts'
import { busyboxTar } from '../../../support/lab-images.ts'
import { until } from '../../../support/until.ts'
import { RecordedLog } from '../../support/recorded-log.ts'

export interface DeskShape {
  readonly diskMb?: number
  readonly engineFlags?: readonly string[]
}

export interface Container {
  readonly id: string
  /** Its first process, as its engine counts and as this process does. */
  readonly inside: number
  readonly outside: number
}

export class ImageDesk {
  readonly lab: Lab
  readonly host: LabHost
  readonly engine: Engine
  /** Where config.json and credential helpers lie. */
  readonly folder: string
  /** How many streams were opened: a pull is one. */
  streams = 0

  private constructor(lab: Lab, host: LabHost) {
    this.lab = lab
    this.host = host
    this.folder = join(lab.dir, 'desk')
    const address = engineAddress(host.dockerHost, {})
    this.engine = openEngine({ address, onOutcome: () => undefined })
  }

  static async open({ diskMb, engineFlags = [] }: DeskShape): Promise<ImageDesk> {
    const disk = diskMb === undefined ? {} : { disk: { host: 'w1', megabytes: diskMb } }
    const lab = await Lab.start({ hosts: 1, engineFlags, ...disk })
    const desk = new ImageDesk(lab, lab.host('w1'))
    await mkdir(desk.folder)
    return desk
  }

  get counted(): Pick<Engine, 'call' | 'stream'> {
    const { engine } = this
    return {
      call: (what, ask, options) => engine.call(what, ask, options),
      stream: (what, ask, options) => {
        this.streams += 1
        return engine.stream(what, ask, options)
      },
    }
  }

  images(log: RecordedLog = new RecordedLog()): Images {
    const { counted: engine, folder: directory } = this
    const environment = { PATH: `${directory}:${process.env.PATH}` }
    const credentials = openRegistryCredentials({ directory, log, environment })
    return createImages({ engine, credentials, clock: systemClock, log })
  }

  async configure(config: unknown): Promise<void> {
    await writeFile(join(this.folder, 'config.json'), JSON.stringify(config))
  }

  async helper(name: string, script: string): Promise<void> {
    const path = join(this.folder, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  /** A new image with so many random megabytes inside. */
  async make(name: string, megabytes: number, ...changes: readonly string[]): Promise<void> {
    const tar = join(this.folder, 'image.tar')
    const blob = join(this.folder, 'blob')
    await copyFile(await busyboxTar(), tar)
    await output(['dd', 'if=/dev/urandom', `of=${blob}`, 'bs=1M', `count=${megabytes}`])
    await output(['tar', '-C', this.folder, '--append', '--file', tar, 'blob'])
    const options = ['ENV PATH=/bin', ...changes].flatMap((change) => ['--change', change])
    await this.host.docker(['import', ...options, tar, name])
    await rm(tar)
    await rm(blob)
  }

  /** From the engine, not from any registry. */
  async forget(...repositories: readonly string[]): Promise<void> {
    for (const name of repositories) {
      const ids = await this.host.docker(['images', '--quiet', '--no-trunc', name])
      const known = new Set(ids.split('\n').filter((id) => id !== ''))
      if (known.size > 0) await this.host.docker(['rmi', '--force', ...known])
    }
  }

  /** While its cable carries no more than this; the work may have it back earlier. */
  async slowly(rate: string, work: (restore: () => Promise<void>) => Promise<void>): Promise<void> {
    let isSlow = true
    const restore = async (): Promise<void> => {
      if (isSlow) await this.lab.faults.unrate(this.host)
      isSlow = false
    }
    await this.lab.faults.rate(this.host, rate)
    try {
      await work(restore)
    } finally {
      await restore()
    }
  }

  async run(image: string, script: string): Promise<Container> {
    const said = await this.host.docker(['run', '--detach', image, '/bin/sh', '-c', script])
    const id = said.trim()
    const inside = await this.host.docker(['inspect', '--format', '{{.State.Pid}}', id])
    const outside = await until(() => processOf(id))
    return { id, inside: Number(inside), outside }
  }

  async close(): Promise<void> {
    this.engine.close()
    await this.lab.stop()
  }
}

/** The first process of a container as this process sees it. */
async function processOf(container: string): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // Others come and go at the same time.
    const groups = await readFile(`/proc/${name}/cgroup`, 'utf8').catch(() => '')
    if (groups.includes(container)) return Number(name)
  }
  return undefined
}
