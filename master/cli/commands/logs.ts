import { RequestError } from '../../../shared/errors.ts'
import type { Api } from '../api.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Session } from '../command.ts'
import { EXIT_INTERRUPTED, failureOf } from '../failure.ts'
import { followAll } from '../log-follow.ts'
import { type LogQuery, logLinesOf, merged } from '../log-lines.ts'
import { LogPrinter } from '../log-printer.ts'
import { findTarget, nobodyIs, replicasOf, type Target } from '../log-target.ts'

const TAIL_MAX = 1_000_000

export const logs: Command = {
  word: 'logs',
  operands: 'SERVICE|REPLICA',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Show what the replicas of a service, or one replica, have printed.',
  options: {
    follow: { kind: 'flag', alias: 'f', meaning: 'Go on with what they print, until Ctrl-C.' },
    tail: { kind: 'text', value: 'N', meaning: 'Only the last so many lines of each output.' },
    since: { kind: 'text', value: '10m', meaning: 'Only what was printed lately.' },
    timestamps: { kind: 'flag', meaning: 'Say when each line was printed, where it is known.' },
    json: { kind: 'flag', meaning: 'Print each line as JSON.' },
  },
  run: async (args, session) => {
    const query = queryOf(args, session)
    const api = await session.connect(args)
    const target = await findTarget(api, args.word(0))
    const printer = new LogPrinter(process.stdout, session.screen, {
      json: args.flag('json') === true,
      timestamps: args.flag('timestamps') === true,
      prefix: target.kind === 'service',
    })
    const looking = { api, query, printer, session }
    if (target.kind === 'replica') return ofReplica(target.id, looking)
    return query.follow ? follow(target.name, looking) : ofService(target, looking)
  },
}

interface Looking {
  readonly api: Api
  readonly query: LogQuery
  readonly printer: LogPrinter
  readonly session: Session
}

function queryOf(args: Arguments, { clock }: Session): LogQuery {
  const since = args.durationMs('since')
  return {
    follow: args.flag('follow') === true,
    tail: args.whole('tail', 0, TAIL_MAX),
    sinceMs: since === undefined ? undefined : Math.max(0, Math.round(clock.nowMs() - since)),
  }
}

async function ofReplica(id: string, { api, query, printer, session }: Looking): Promise<number> {
  const { signal, screen } = session
  try {
    for await (const line of logLinesOf(api, id, query, signal)) await printer.print(line, signal)
  } catch (error) {
    if (signal.aborted) return EXIT_INTERRUPTED
    if (error instanceof RequestError && error.status === 404) throw nobodyIs(id)
    throw error
  }
  if (query.follow && !signal.aborted) screen.complain(`${printer.label(id)} has ended`)
  return signal.aborted ? EXIT_INTERRUPTED : 0
}

/** Of each replica what can be had; one that cannot be asked is told of, and the call fails. */
async function ofService(
  { replicas }: Extract<Target, { kind: 'service' }>,
  { api, query, printer, session }: Looking,
): Promise<number> {
  const { signal, screen } = session
  let failures = 0
  async function* linesOf(id: string) {
    try {
      yield* logLinesOf(api, id, query, signal)
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      screen.complain(`${printer.label(id)} ${failureOf(error).lines[0]}`)
    }
  }
  const there = replicas.filter(({ state }) => state !== 'pending')
  for await (const line of merged(there.map(({ id }) => linesOf(id)))) {
    await printer.print(line, signal)
  }
  if (signal.aborted) return EXIT_INTERRUPTED
  return failures === 0 ? 0 : 1
}

async function follow(service: string, { api, query, printer, session }: Looking): Promise<number> {
  await followAll({
    ...{ api, query, session },
    replicas: () => replicasOf(api, service),
    show: (line) => printer.print(line, session.signal),
    label: (replica) => printer.label(replica),
  })
  if (session.signal.aborted) return EXIT_INTERRUPTED
  session.screen.complain(`"${service}" is gone`)
  return 0
}
