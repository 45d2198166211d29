import type { Command } from '../command.ts'
import { dataOption } from './up.ts'

export const down: Command = {
  word: 'down',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'Stop what "up" started, also when "up" itself is gone.',
  options: { data: dataOption },
  run: async (args, session) => {
    const { runDown } = await import('../up/down.ts')
    return runDown(args, session)
  },
}
