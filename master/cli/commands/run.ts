import type { Arguments } from '../arguments.ts'
import type { Command } from '../command.ts'
import { deploy } from '../deploy.ts'
import { usage } from '../failure.ts'
import { portsOf, specOf, specOptions } from '../spec.ts'

export const run: Command = {
  word: 'run',
  operands: 'NAME [-- COMMAND...]',
  operandsMin: 1,
  operandsMax: 1,
  takesRest: true,
  summary: 'Start a service and wait until it serves.',
  options: {
    ...specOptions,
    port: { kind: 'text', alias: 'p', value: '[HOST:]PORT', meaning: 'The port it listens on.' },
    wait: { kind: 'flag', meaning: 'Wait until it serves. [default: yes]' },
    timeout: { kind: 'text', value: '120s', meaning: 'How long to wait.' },
  },
  run: async (args, session) => {
    const name = args.word(0)
    const input = { ...specOf(name, args, args.rest), ...portsOf(args.texts('port')) }
    if (args.rest.length === 0 && args.text('image') === undefined) {
      throw usage(
        `Cannot run "${name}": neither an image nor a command is given`,
        'Usage: orchestrify run NAME --image IMAGE, or: orchestrify run NAME -- COMMAND...',
      )
    }
    const waitMs = waitOf(args)
    const api = await session.connect(args)
    return deploy(api, { input, ...(waitMs === undefined ? {} : { waitMs }) }, session)
  },
}

function waitOf(args: Arguments): number | undefined {
  return args.flag('wait') === false ? 0 : args.durationMs('timeout')
}
