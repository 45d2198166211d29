import { serviceAnswer } from '../answers.ts'
import { type Arguments, wholeNumber } from '../arguments.ts'
import type { Command } from '../command.ts'
import { usage } from '../failure.ts'
import { pathOf } from '../listing.ts'

const REPLICAS_MAX = 10_000

export const scale: Command = {
  word: 'scale',
  operands: 'SERVICE [COUNT]',
  operandsMin: 1,
  operandsMax: 2,
  summary: 'Set how many replicas a service has, its bounds, or whether it scales by itself.',
  options: {
    min: { kind: 'text', value: 'N', meaning: 'The fewest replicas.' },
    max: { kind: 'text', value: 'N', meaning: 'The most replicas.' },
    autoscale: { kind: 'flag', meaning: 'Whether the master may change the count.' },
  },
  run: async (args, session) => {
    const wanted = wantedOf(args)
    const api = await session.connect(args)
    const raw = await api.send('POST', pathOf('services', args.word(0), 'scale'), wanted)
    const view = serviceAnswer(raw)
    const { replicasMin, replicasMax } = view.spec.bounds
    const automatic = view.spec.autoscale ? 'on' : 'off'
    session.screen.print(
      `"${view.name}" has ${view.replicas} replicas, bounds ${replicasMin} to ${replicasMax}, ` +
        `autoscaling ${automatic}.`,
    )
    return 0
  },
}

function wantedOf(args: Arguments): Record<string, number | boolean> {
  const range = { min: 0, max: REPLICAS_MAX }
  const count = args.words[1]
  const given = {
    replicas: count === undefined ? undefined : wholeNumber(count, 'COUNT', range),
    min: args.whole('min', 0, REPLICAS_MAX),
    max: args.whole('max', 1, REPLICAS_MAX),
    autoscale: args.flag('autoscale'),
  }
  const wanted = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  if (wanted.length > 0) return Object.fromEntries(wanted)
  throw usage(`Cannot scale "${args.word(0)}": nothing to change is given`, USAGE)
}

const USAGE = 'Usage: orchestrify scale SERVICE [COUNT] [--min N] [--max N] [--[no-]autoscale]'
