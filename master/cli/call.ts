import { systemClock } from '../../shared/clock.ts'
import type { Api, Target } from './api.ts'
import type { Session } from './command.ts'
import { runCommandLine } from './command-line.ts'
import { commands } from './commands.ts'
import { EXIT_INTERRUPTED, failureOf } from './failure.ts'
import { flagCommand } from './flag-command.ts'
import { createScreen } from './screen.ts'

/** One call of the command line: answers the exit code, never throws. */
export async function call(argv: readonly string[]): Promise<number> {
  const { stdout, stderr, env: environment } = process
  const screen = createScreen({ out: stdout, err: stderr, environment })
  const interrupts = onInterrupt()
  // The reader may go early, as `head` does, or the terminal close: what was begun ends in order.
  stdout.on('error', interrupts.begin)
  stderr.on('error', interrupts.begin)
  const opened: Api[] = []
  const { signal, urgent } = interrupts
  const session = { screen, clock: systemClock, environment, signal, urgent, ...connector(opened) }
  try {
    return await runCommandLine(argv, { commands, fallback: flagCommand }, session)
  } catch (error) {
    const failure = failureOf(error)
    for (const line of failure.lines) screen.complain(line)
    return signal.aborted ? EXIT_INTERRUPTED : failure.exitCode
  } finally {
    interrupts.restore()
    for (const api of opened) api.close()
  }
}

function connector(opened: Api[]): Pick<Session, 'connect' | 'connectTo'> {
  // Loaded when needed: the help and the refusals are quicker without an HTTP client.
  const library = () => import('./api.ts')
  const open = async (target: Target): Promise<Api> => {
    const api = (await library()).openApi(target)
    opened.push(api)
    return api
  }
  return {
    connect: async (args) => open((await library()).targetOf(args, process.env)),
    connectTo: (master) => open({ masters: [master] }),
  }
}

interface Interrupts {
  readonly signal: AbortSignal
  readonly urgent: AbortSignal
  /** As the first signal does. */
  begin(): void
  restore(): void
}

/** The first signal asks the command to end, the second one to hurry, the third one ends it. */
function onInterrupt(): Interrupts {
  const [asked, urgent] = [new AbortController(), new AbortController()]
  const interrupt = (): void => {
    if (urgent.signal.aborted) process.exit(EXIT_INTERRUPTED)
    const next = asked.signal.aborted ? urgent : asked
    next.abort()
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, interrupt)
  const restore = (): void => {
    for (const name of names) process.off(name, interrupt)
  }
  return { signal: asked.signal, urgent: urgent.signal, begin: () => asked.abort(), restore }
}
