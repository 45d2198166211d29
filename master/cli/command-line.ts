import yargs, { type Argv } from 'yargs'
import { readVersion } from '../../shared/version.ts'
import { Arguments } from './arguments.ts'
import type { Command, Options, Session } from './command.ts'
import { usage } from './failure.ts'
import { didYouMean } from './suggest.ts'

export interface CommandSet {
  readonly commands: readonly Command[]
  /** What runs when there are only flags. */
  readonly fallback: Command
}

export const globalOptions: Options = {
  master: {
    kind: 'text',
    value: 'URL[,URL]',
    meaning: 'The master to ask. [ORCHESTRIFY_MASTER, default http://127.0.0.1:18080]',
  },
  token: { kind: 'text', meaning: 'The admin token. [ORCHESTRIFY_TOKEN]' },
  insecure: { kind: 'flag', meaning: 'Allow plain HTTP beyond this machine.' },
}

const PROGRAMS = `Programs that serve: $0 master | worker | proxy (each explains itself with --help).
Without a command the master serves.`

const PARSING = {
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
}

/** Reads the command line, runs the command it names, and answers its exit code. */
export async function runCommandLine(
  argv: readonly string[],
  { commands, fallback }: CommandSet,
  session: Session,
): Promise<number> {
  const { before, rest } = splitRest(argv)
  let exitCode = 0
  const run = (command: Command) => async (parsed: Record<string, unknown>) => {
    exitCode = await command.run(checked(command, { parsed, rest }), session)
  }
  const parser = yargs([...before])
  settle(parser)
  for (const command of commands) {
    const build = (builder: Argv): Argv => declare(builder, command)
    parser.command(command.word, command.summary, build, run(command))
  }
  const unknownWord = async (parsed: Record<string, unknown>): Promise<void> => {
    const [word] = wordsOf(parsed)
    if (word === undefined) return run(fallback)(parsed)
    const known = [...commands.map((command) => command.word), 'master', 'worker', 'proxy']
    throw usage(`Cannot find the command "${word}"${didYouMean(word, known)}`)
  }
  parser.command('$0', false, (builder) => declare(builder, fallback), unknownWord)
  await parser.parseAsync()
  return exitCode
}

function settle(parser: Argv): void {
  parser
    .scriptName('orchestrify')
    .usage('Usage: $0 COMMAND [OPTIONS]')
    .epilogue(PROGRAMS)
    .parserConfiguration(PARSING)
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .help('help')
    .alias('h', 'help')
    .version(readVersion())
    .alias('v', 'version')
    .wrap(100)
    .fail((message, error) => {
      // What yargs itself found wrong comes as a YError, what a command threw as it was.
      const isOurs = error !== undefined && error !== null && error.name !== 'YError'
      throw isOurs ? error : usage(`Cannot read the command line: ${message ?? error?.message}`)
    })
}

function declare(builder: Argv, command: Command): Argv {
  const isFallback = command.word === ''
  if (!isFallback) {
    const said = `${command.word} ${command.operands}`.trim()
    builder.usage(`Usage: $0 ${said} [OPTIONS]\n\n${command.summary}`)
  }
  for (const [name, option] of Object.entries({ ...command.options, ...globalOptions })) {
    builder.option(name, {
      describe: option.meaning,
      ...(option.alias === undefined ? {} : { alias: option.alias }),
      ...(option.kind === 'flag'
        ? { type: 'boolean' as const }
        : { type: 'string' as const, requiresArg: true }),
      ...(isFallback && !(name in globalOptions) ? { group: 'Without a command:' } : {}),
    })
  }
  return builder
}

interface Parsed {
  readonly parsed: Record<string, unknown>
  readonly rest: readonly string[]
}

function checked(command: Command, { parsed, rest }: Parsed): Arguments {
  const options = { ...command.options, ...globalOptions }
  refuseUnknown(parsed, options)
  const words = command.word === '' ? [] : wordsOf(parsed).slice(1)
  const said = `orchestrify ${command.word} ${command.operands}`.trim()
  if (words.length < command.operandsMin) {
    throw usage(`Cannot run "${command.word}": expected ${command.operands}`, `Usage: ${said}`)
  }
  const extra = words[command.operandsMax]
  if (extra !== undefined) throw usage(`Cannot use "${extra}": one too many`, `Usage: ${said}`)
  if (rest.length > 0 && command.takesRest !== true) {
    throw usage(
      `Cannot use what follows "--": "${command.word}" takes no command`,
      `Usage: ${said}`,
    )
  }
  return new Arguments({ words, rest, values: parsed })
}

function refuseUnknown(parsed: Record<string, unknown>, options: Options): void {
  const aliases = Object.values(options).flatMap((option) => option.alias ?? [])
  const names = [...Object.keys(options), 'help', 'version']
  const known = new Set([...names, ...aliases, 'h', 'v', '_', '$0'])
  const unknown = Object.keys(parsed).find((name) => !known.has(name))
  if (unknown === undefined) return
  const dashes = unknown.length === 1 ? '-' : '--'
  throw usage(`Cannot use the flag ${dashes}${unknown}${didYouMean(unknown, names)}`)
}

function wordsOf(parsed: Record<string, unknown>): readonly string[] {
  return Array.isArray(parsed._) ? parsed._.map(String) : []
}

/** What follows `--` is taken as it stands: it is somebody else's command line. */
function splitRest(argv: readonly string[]): {
  before: readonly string[]
  rest: readonly string[]
} {
  const at = argv.indexOf('--')
  return at === -1
    ? { before: argv, rest: [] }
    : { before: argv.slice(0, at), rest: argv.slice(at + 1) }
}
