import type { Command } from '../command.ts'
import { pathOf } from '../listing.ts'

export const rm: Command = {
  word: 'rm',
  operands: 'SERVICE',
  operandsMin: 1,
  operandsMax: 1,
  summary: 'Remove a service: its replicas drain, then it goes.',
  options: {},
  run: async (args, session) => {
    const api = await session.connect(args)
    await api.send('DELETE', pathOf('services', args.word(0)))
    session.screen.print(`"${args.word(0)}" is being removed; its replicas finish their requests.`)
    return 0
  },
}
