import { systemClock } from '../../shared/clock.ts'
import type { Api } from './api.ts'
import type { Arguments } from './arguments.ts'
import type { Session } from './command.ts'
import { commands } from './commands.ts'
import { EXIT_INTERRUPTED, failureOf } from './failure.ts'
import { flagCommand } from './flag-command.ts'
import { runCommandLine } from './command-line.ts'
import { createScreen } from './screen.ts'

/** One call of the command line: answers the exit code, never throws. */
export async function call(argv: readonly string[]): Promise<number> {
  const { environment, stdout, stderr } = { environment: process.env, ...process }
  const screen = createScreen({ out: stdout, err: stderr, environment })
  const interrupted = new AbortController()
  const restore = onInterrupt(interrupted)
  // The reader of a pipe may go early, as `head` does; that is no failure.
  stdout.on('error', () => process.exit(0))
  const opened: Api[] = []
  const connect = async (args: Arguments): Promise<Api> => {
    const { openApi, targetOf } = await import('./api.ts')
    const api = openApi(targetOf(args, environment))
    opened.push(api)
    return api
  }
  const { signal } = interrupted
  const session: Session = { screen, clock: systemClock, environment, signal, connect }
  try {
    return await runCommandLine(argv, { commands, fallback: flagCommand }, session)
  } catch (error) {
    if (signal.aborted) return EXIT_INTERRUPTED
    const failure = failureOf(error)
    for (const line of failure.lines) screen.complain(line)
    return failure.exitCode
  } finally {
    restore()
    for (const api of opened) api.close()
  }
}

/** The first signal asks the command to end, the second one ends it. */
function onInterrupt(controller: AbortController): () => void {
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED)
    controller.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return () => {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}
