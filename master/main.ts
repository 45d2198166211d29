#!/usr/bin/env node
import { dispatch } from './cli/dispatch.ts'

const asked = dispatch(process.argv.slice(2))
if (asked.kind === 'serve') {
  const { serve } = await import('./start.ts')
  await serve([...asked.argv], process.env)
} else if (asked.kind === 'program') {
  const { runProgram } = await import('./cli/programs.ts')
  process.exitCode = await runProgram(asked.program, asked.argv)
} else if (asked.kind === 'serving-help') {
  const { servingHelp } = await import('./cli/serving-help.ts')
  console.log(servingHelp())
} else {
  const { call } = await import('./cli/call.ts')
  process.exitCode = await call(asked.argv)
}
