/** The flags of the first system: one of them makes one call. */
import type { Arguments } from './arguments.ts'
import type { Command, Session } from './command.ts'
import { nodes, showNode } from './commands/nodes.ts'
import { procs, showReplica } from './commands/procs.ts'
import { deploy } from './deploy.ts'
import { COMMAND_FLAGS } from './dispatch.ts'
import { CliError, usage } from './failure.ts'
import { listOptions } from './listing.ts'
import { deleteNode, deleteReplica } from './removal.ts'
import { portsOf, specOf, specOptions } from './spec.ts'
import { splitCommand } from './split.ts'

const { image: _image, ...deployOptions } = specOptions

export const flagCommand: Command = {
  word: '',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'Flags instead of a command word.',
  options: {
    ...listOptions,
    nodes: { kind: 'flag', meaning: 'List the nodes.' },
    node: { kind: 'text', value: 'ID', meaning: 'Show one node.' },
    'node-del': { kind: 'text', value: 'ID', meaning: 'Move its replicas, then remove it.' },
    procs: { kind: 'flag', meaning: 'List the replicas.' },
    proc: { kind: 'text', value: 'ID', meaning: 'Show one replica.' },
    'proc-del': { kind: 'text', value: 'ID', meaning: 'Remove one replica for good.' },
    'image-name': { kind: 'text', value: 'IMAGE', meaning: 'Deploy this image.' },
    name: { kind: 'text', value: 'NAME', meaning: 'Beside --image-name: the name of the service.' },
    port: { kind: 'text', alias: 'p', value: 'HOST:CONTAINER', meaning: 'Its ports.' },
    command: { kind: 'text', value: 'TEXT', meaning: 'What to run; needed without containers.' },
    timeout: { kind: 'text', value: '120s', meaning: 'How long to wait.' },
    ...deployOptions,
  },
  run: async (args, session) => {
    const asked = COMMAND_FLAGS.find((flag) => isGiven(args, flag))
    switch (asked) {
      case 'nodes':
        return nodes.run(args, session)
      case 'node':
        return showNode(args.text('node') ?? '', args, session)
      case 'node-del':
        return deleteNode(args.text('node-del') ?? '', args, session)
      case 'procs':
        return procs.run(args, session)
      case 'proc':
        return showReplica(args.text('proc') ?? '', args, session)
      case 'proc-del':
        return deleteReplica(args.text('proc-del') ?? '', args, session)
      case 'image-name':
        return deployImage(args, session)
      case undefined:
        throw usage('Cannot tell what to do: no command is given')
    }
  },
}

function isGiven(args: Arguments, flag: (typeof COMMAND_FLAGS)[number]): boolean {
  if (flag === 'nodes' || flag === 'procs') return args.flag(flag) === true
  return args.text(flag) !== undefined
}

async function deployImage(args: Arguments, session: Session): Promise<number> {
  const image = args.text('image-name') ?? ''
  const command = splitCommand(args.text('command') ?? '')
  const name = args.text('name') ?? nameOf(image)
  const waitMs = args.durationMs('timeout')
  const input = { ...specOf(name, args, command), ...portsOf(args.texts('port')) }
  const api = await session.connect(args)
  return deploy(api, { input, ...(waitMs === undefined ? {} : { waitMs }) }, session)
}

/** `reg:5000/a/b:1.2` is called `b`. */
export function nameOf(image: string): string {
  const last = image.split('/').at(-1) ?? ''
  const name =
    last
      .split(/[:@]/)[0]
      ?.toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-') ?? ''
  const trimmed = name.replaceAll(/^-+|-+$/g, '')
  if (trimmed !== '') return trimmed
  throw new CliError(`Cannot name a service after the image "${image}"`, { next: 'Give --name.' })
}
