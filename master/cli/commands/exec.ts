import type { Readable, Writable } from 'node:stream'
import type { Stream } from '../../../shared/stream-mux.ts'
import type { Api, ExecOrder } from '../api.ts'
import type { Command, Session } from '../command.ts'
import { CliError, EXIT_INTERRUPTED, usage } from '../failure.ts'
import { shortId } from '../ids.ts'
import { findTarget, nobodyIs } from '../log-target.ts'
import { lendTerminal, type Size, type Terminal } from '../terminal.ts'

const USAGE = 'Usage: orchestrify exec SERVICE|REPLICA [-i] [-t] -- COMMAND...'

export const exec: Command = {
  word: 'exec',
  operands: 'SERVICE|REPLICA -- COMMAND...',
  operandsMin: 1,
  operandsMax: 1,
  takesRest: true,
  summary: 'Run a command inside a replica; its exit code is the exit code.',
  options: {
    interactive: { kind: 'flag', alias: 'i', meaning: 'Pass on what is typed or piped in.' },
    tty: { kind: 'flag', alias: 't', meaning: 'Give it a terminal.' },
    it: { kind: 'flag', meaning: 'Both: -i -t.' },
  },
  run: async (args, session) => {
    if (args.rest.length === 0) throw usage('Cannot run nothing: no command is given', USAGE)
    const both = args.flag('it') === true
    const wantsTerminal = both || args.flag('tty') === true
    const wantsInput = both || args.flag('interactive') === true
    const api = await session.connect(args)
    const replica = await replicaOf(api, args.word(0), session)
    const terminal = wantsTerminal ? lendTerminal() : undefined
    const order = {
      command: args.rest,
      ...(terminal === undefined ? {} : { terminal: terminal.size }),
    }
    try {
      return await runThere(api, { replica, order, terminal, wantsInput }, session)
    } finally {
      terminal?.restore()
      // A reader that waits for the next key would keep this program alive.
      process.stdin.destroy()
    }
  },
}

/** A service means one of its replicas: which one is said. */
async function replicaOf(api: Api, name: string, { screen }: Session): Promise<string> {
  const target = await findTarget(api, name)
  if (target.kind === 'replica') {
    if (target.view === undefined) throw nobodyIs(name)
    return target.id
  }
  const serving = target.replicas.find(({ state }) => state === 'serving')
  if (serving === undefined) {
    const next = `Look with "orchestrify procs ${name}" and "orchestrify logs ${name}".`
    throw new CliError(`Cannot run a command in "${name}": none of its replicas serves`, { next })
  }
  screen.complain(`In replica ${shortId(serving.id)} on ${serving.nodeName ?? serving.node}:`)
  return serving.id
}

interface Run {
  readonly replica: string
  readonly order: ExecOrder
  readonly terminal: Terminal | undefined
  readonly wantsInput: boolean
}

async function runThere(
  api: Api,
  { replica, order, terminal, wantsInput }: Run,
  { signal }: Session,
): Promise<number> {
  const call = await api.exec(replica, order, signal)
  const { stream } = call
  signal.addEventListener('abort', call.close, { once: true })
  try {
    terminal?.onResize((size) => resize(stream, size))
    if (wantsInput) feed(process.stdin, stream)
    else stream.endInput()
    await show(stream)
    if (signal.aborted) return EXIT_INTERRUPTED
    const end = await stream.outcome
    return end.kind === 'done' ? (end.code ?? 0) : 1
  } finally {
    signal.removeEventListener('abort', call.close)
    call.close()
  }
}

/** Throws the sentence with which the stream ended when it was not the command's end. */
async function show(stream: Stream): Promise<void> {
  for await (const { channel, bytes } of stream.chunks) {
    const output: Writable = channel === 'stderr' ? process.stderr : process.stdout
    await new Promise<void>((resolve) => output.write(bytes, () => resolve()))
  }
}

/** Input is read as fast as the command takes it. */
function feed(input: Readable, stream: Stream): void {
  const pass = async (): Promise<void> => {
    for await (const chunk of input) await stream.write('input', chunk)
    stream.endInput()
  }
  // The command has ended, or reads no more: how it ended is told by its stream.
  pass().catch(() => undefined)
}

function resize(stream: Stream, size: Size): void {
  const bytes = new TextEncoder().encode(JSON.stringify(size))
  stream.write('resize', bytes).catch(() => undefined)
}
