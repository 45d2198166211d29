import type { NodeView } from '../../../shared/api.ts'
import { ageOf } from '../ages.ts'
import { nodeAnswer, nodesAnswer } from '../answers.ts'
import type { Command, Session } from '../command.ts'
import { shortId } from '../ids.ts'
import { list, listOptions, pathOf } from '../listing.ts'
import { facts, table } from '../table.ts'
import { toneOf } from '../tones.ts'

export const nodes: Command = {
  word: 'nodes',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'List the machines that take replicas.',
  options: listOptions,
  run: (args, session) =>
    list(
      { path: '/v1/nodes', show: (raw) => nodeTable(nodesAnswer(raw).nodes, session) },
      args,
      session,
    ),
}

export const node: Command = {
  word: 'node',
  operands: 'NODE',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Show one machine, by name or id.',
  options: listOptions,
  run: (args, session) => showNode(args.word(0), args, session),
}

export const showNode = (
  id: string,
  args: Parameters<Command['run']>[0],
  session: Session,
): Promise<number> =>
  list(
    { path: pathOf('nodes', id), show: (raw) => nodeFacts(nodeAnswer(raw), session) },
    args,
    session,
  )

export function nodeTable(
  rows: readonly NodeView[],
  { screen, clock }: Pick<Session, 'screen' | 'clock'>,
): readonly string[] {
  if (rows.length === 0) return ['No nodes. Join one with "orchestrify worker --master-ip URL".']
  const ids = rows.map((row) => row.id)
  const reasons = rows.some((row) => row.reason !== undefined)
  return table(
    [
      { title: 'ID', of: (row) => shortId(row.id, ids) },
      { title: 'NAME', of: (row) => row.name },
      { title: 'ADDRESS', of: (row) => row.address },
      { title: 'DRIVER', of: (row) => row.driver },
      { title: 'POOL', of: (row) => row.pool },
      { title: 'CONDITION', of: (row) => row.condition, tone: (row) => toneOf(row.condition) },
      { title: 'CPU', right: true, of: (row) => percent(row.cpuPercent) },
      { title: 'MEMORY', right: true, of: (row) => percent(row.memoryPercent) },
      { title: 'DISK', right: true, of: (row) => percent(row.diskPercent) },
      { title: 'REPLICAS', right: true, of: (row) => String(row.replicas) },
      { title: 'SEEN', right: true, of: (row) => seen(row, clock.nowMs()) },
      ...(reasons ? [{ title: 'REASON', of: (row: NodeView) => row.reason ?? '' }] : []),
    ],
    rows,
    screen,
  )
}

export function nodeFacts(view: NodeView, { clock }: Pick<Session, 'clock'>): readonly string[] {
  return facts([
    ['id', view.id],
    ['name', view.name],
    ['address', view.address],
    ['driver', view.driver],
    ['pool', view.pool],
    ['condition', view.condition],
    ['reason', view.reason],
    ['trouble', view.trouble === view.reason ? undefined : view.trouble],
    ['scheduling', view.schedulability],
    ['cpu', `${percent(view.cpuPercent)} of ${view.cpus} cores, ${view.cpuReserved} reserved`],
    ['memory', memory(view)],
    ['disk', percent(view.diskPercent)],
    ['replicas', String(view.replicas)],
    ['joined', view.joinedAt],
    ['seen', `${seen(view, clock.nowMs())} ago`],
  ])
}

function memory({ memoryPercent, memoryMb, memoryReservedMb }: NodeView): string {
  const used = `${percent(memoryPercent)} of ${Math.round(memoryMb)} MB`
  return `${used}, ${Math.round(memoryReservedMb)} MB reserved`
}

function seen(view: NodeView, nowMs: number): string {
  return view.seenAt === undefined ? '-' : ageOf(view.seenAt, nowMs)
}

function percent(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)}%`
}
