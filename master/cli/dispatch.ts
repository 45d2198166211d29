/** What a command line asks for: a program that serves, or one call. */
export type Dispatch =
  | { readonly kind: 'serve'; readonly argv: readonly string[] }
  | {
      readonly kind: 'program'
      readonly program: 'worker' | 'proxy'
      readonly argv: readonly string[]
    }
  | { readonly kind: 'call'; readonly argv: readonly string[] }
  | { readonly kind: 'serving-help' }

/** Each of these alone makes a call, as in the first system. */
export const COMMAND_FLAGS = [
  'nodes',
  'node',
  'node-del',
  'procs',
  'proc',
  'proc-del',
  'image-name',
] as const

const SHOWN = new Set(['--help', '-h', '--version', '-v'])
/** Flags of calls that may stand before the word; the first ones take a value. */
const LEADING_WITH_VALUE = new Set(['--master', '--token'])
const LEADING_ALONE = new Set(['--json', '--watch', '--insecure'])

/** A word or a command flag makes a call; anything else serves. */
export function dispatch(argv: readonly string[]): Dispatch {
  const [first, ...others] = argv
  if (first === 'master') return served(others)
  if (first === 'worker' || first === 'proxy') {
    return { kind: 'program', program: first, argv: others }
  }
  if (first !== undefined && SHOWN.has(first)) return { kind: 'call', argv }
  if (hasWord(argv) || argv.some(isCommandFlag)) return { kind: 'call', argv }
  return { kind: 'serve', argv }
}

function served(argv: readonly string[]): Dispatch {
  const asksHelp = argv.some((item) => item === '--help' || item === '-h')
  return asksHelp ? { kind: 'serving-help' } : { kind: 'serve', argv }
}

function hasWord(argv: readonly string[]): boolean {
  for (let at = 0; at < argv.length; at += 1) {
    const item = argv[at] ?? ''
    if (LEADING_WITH_VALUE.has(item)) at += 1
    else if (!LEADING_ALONE.has(item) && !isAssigned(item)) return !item.startsWith('-')
  }
  return false
}

function isAssigned(item: string): boolean {
  return LEADING_WITH_VALUE.has(item.split('=')[0] ?? '')
}

function isCommandFlag(item: string): boolean {
  return COMMAND_FLAGS.some((name) => item === `--${name}` || item.startsWith(`--${name}=`))
}
