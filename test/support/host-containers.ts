/** What a host's engine has of ours, asked past the product. */
import type { LabHost } from './lab-host.ts'

export interface HostContainer {
  readonly id: string
  readonly replica: string
  readonly startedAt: string
  readonly isRunning: boolean
}

const SHOWN = [
  '{{.Id}}',
  '{{index .Config.Labels "orchestrify.replica"}}',
  '{{.State.StartedAt}}',
  '{{.State.Running}}',
].join(' ')

/** All of ours, running or not, in the order of their ids. */
export async function containersOn(host: LabHost): Promise<readonly HostContainer[]> {
  const ids = await linesOf(host, ['ps', '--all', '--quiet', ...OURS])
  if (ids.length === 0) return []
  const lines = await linesOf(host, ['inspect', '--format', SHOWN, ...ids])
  const all = lines.map((line) => {
    const [id = '', replica = '', startedAt = '', running] = line.split(' ')
    return { id, replica, startedAt, isRunning: running === 'true' }
  })
  return all.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Of all hosts together. */
export async function containersOnAll(
  hosts: readonly LabHost[],
): Promise<readonly HostContainer[]> {
  return (await Promise.all(hosts.map(containersOn))).flat()
}

export function networksOn(host: LabHost): Promise<readonly string[]> {
  return linesOf(host, ['network', 'ls', '--format', '{{.Name}}', ...OURS])
}

const OURS = ['--filter', 'label=orchestrify.node']

async function linesOf(host: LabHost, argv: readonly string[]): Promise<readonly string[]> {
  const text = await host.docker(argv)
  return text.split('\n').filter((line) => line !== '')
}
