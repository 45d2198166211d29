import type { Command } from '../command.ts'
import { pathOf } from '../listing.ts'

export const release: Command = {
  word: 'release',
  operands: 'NODE',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Move all replicas off a machine, then keep it as a spare.',
  options: {},
  run: async (args, session) => {
    const api = await session.connect(args)
    await api.send('POST', pathOf('nodes', args.word(0), 'release'))
    session.screen.print(
      `Node "${args.word(0)}" is being drained; then it waits in the standby pool ` +
        `("orchestrify open ${args.word(0)}" brings it back).`,
    )
    return 0
  },
}
