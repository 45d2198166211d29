import type { ReplicaView } from '../../../shared/api.ts'
import { ageOf } from '../ages.ts'
import { replicaAnswer, replicasAnswer } from '../answers.ts'
import type { Arguments } from '../arguments.ts'
import { bytesText } from '../bytes.ts'
import type { Command, Session } from '../command.ts'
import { shortId } from '../ids.ts'
import { list, listOptions, pathOf } from '../listing.ts'
import { facts, table } from '../table.ts'
import { toneOf } from '../tones.ts'

export const procs: Command = {
  word: 'procs',
  operands: '[SERVICE]',
  operandsMin: 0,
  operandsMax: 1,
  summary: 'List the replicas, of one service or of all.',
  options: {
    ...listOptions,
    on: { kind: 'text', value: 'NODE', meaning: 'Only those on this node.' },
  },
  run: (args, session) => {
    const query = new URLSearchParams()
    if (args.words.length > 0) query.set('service', args.word(0))
    const on = args.text('on')
    if (on !== undefined) query.set('node', on)
    const path = query.size === 0 ? '/v1/replicas' : `/v1/replicas?${query}`
    return list(
      { path, show: (raw) => replicaTable(replicasAnswer(raw).replicas, session) },
      args,
      session,
    )
  },
}

export const proc: Command = {
  word: 'proc',
  operands: 'REPLICA',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Show one replica.',
  options: listOptions,
  run: (args, session) => showReplica(args.word(0), args, session),
}

export function showReplica(id: string, args: Arguments, session: Session): Promise<number> {
  const show = (raw: unknown): readonly string[] => replicaFacts(replicaAnswer(raw))
  return list({ path: pathOf('replicas', id), show }, args, session)
}

export function replicaTable(
  rows: readonly ReplicaView[],
  { screen, clock }: Session,
): readonly string[] {
  if (rows.length === 0) return ['No replicas.']
  const ids = rows.map((row) => row.id)
  const reasons = rows.some((row) => row.reason !== undefined)
  return table(
    [
      { title: 'ID', of: (row) => shortId(row.id, ids) },
      { title: 'SERVICE', of: (row) => row.serviceName },
      { title: 'NODE', of: (row) => row.nodeName ?? '-' },
      { title: 'STATE', of: (row) => row.state, tone: (row) => toneOf(row.state) },
      { title: 'URL', of: (row) => row.url ?? '-' },
      { title: 'RESTARTS', right: true, of: (row) => String(row.restarts) },
      { title: 'AGE', right: true, of: (row) => ageOf(row.createdAt, clock.nowMs()) },
      ...(reasons ? [{ title: 'REASON', of: (row: ReplicaView) => row.reason ?? '' }] : []),
    ],
    rows,
    screen,
  )
}

export function replicaFacts(view: ReplicaView): readonly string[] {
  return facts([
    ['id', view.id],
    ['service', view.serviceName],
    ['image', view.image],
    ['revision', String(view.revision)],
    ['node', view.nodeName ?? view.node],
    ['state', view.state],
    ['reason', view.reason],
    ['url', view.url],
    ['handle', view.handle],
    ['restarts', String(view.restarts)],
    ['cpu', view.cpuPercent === undefined ? undefined : `${Math.round(view.cpuPercent)}%`],
    ['memory', view.memoryMb === undefined ? undefined : `${Math.round(view.memoryMb)} MB`],
    ['network', bytes([view.networkInBytes, 'in'], [view.networkOutBytes, 'out'])],
    ['disk', bytes([view.diskReadBytes, 'read'], [view.diskWriteBytes, 'written'])],
    ['created', view.createdAt],
  ])
}

/** `3.2 MB in, 1 kB out`; only what is known. */
function bytes(...parts: readonly (readonly [number | undefined, string])[]): string {
  return parts
    .flatMap(([value, way]) => (value === undefined ? [] : [`${bytesText(value)} ${way}`]))
    .join(', ')
}
