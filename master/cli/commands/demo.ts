import type { Command } from '../command.ts'

export const demo: Command = {
  word: 'demo',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'Show in a minute how a service is scaled, and leave nothing behind.',
  options: {},
  run: async (_args, session) => {
    const { runDemo } = await import('../demo/demo.ts')
    return runDemo(session)
  },
}
