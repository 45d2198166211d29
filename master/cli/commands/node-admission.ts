import type { Command } from '../command.ts'
import { pathOf } from '../listing.ts'

/** Whether a machine takes new replicas; what it runs stays as it is. */
export const nodeAdmission: readonly Command[] = [
  admission('cordon', 'Give a machine nothing new.', 'takes nothing new'),
  admission('open', 'Let a machine take replicas (again).', 'takes replicas'),
]

function admission(word: string, summary: string, effect: string): Command {
  return {
    word,
    operands: 'NODE',
    operandsMin: 1,
    operandsMax: 1,
    summary,
    options: {},
    run: async (args, session) => {
      const api = await session.connect(args)
      await api.send('POST', pathOf('nodes', args.word(0), word))
      session.screen.print(`Node "${args.word(0)}" ${effect}.`)
      return 0
    },
  }
}
