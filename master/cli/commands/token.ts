import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { isLoopback } from '../../../shared/loopback.ts'
import type { Arguments } from '../arguments.ts'
import type { Command } from '../command.ts'

const DATA_DEFAULT = './.orchestrify'
const PORT_DEFAULT = 18_080

export const token: Command = {
  word: 'token',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'Print the line by which another machine joins; run it on the master.',
  options: {
    data: { kind: 'text', value: 'DIR', meaning: 'Of the master, or of "up". [./.orchestrify]' },
    host: { kind: 'text', value: 'ADDRESS', meaning: 'By which the other machine reaches it.' },
    port: { kind: 'text', value: 'PORT', meaning: `Of the master. [default ${PORT_DEFAULT}]` },
    proxy: { kind: 'flag', meaning: 'The line for a proxy instead of a worker.' },
    admin: { kind: 'flag', meaning: 'Only the token for --token of other commands.' },
  },
  run: async (args, { screen, environment }) => {
    // As it is set where the master is a service or a container.
    const dir = resolve(args.text('data') ?? (environment.ORCHESTRIFY_DATA || DATA_DEFAULT))
    const [{ readTokens }, { joinLine }, { formatToken }] = await Promise.all([
      import('../../identity/identity.ts'),
      import('../../identity/join-line.ts'),
      import('../../../shared/token.ts'),
    ])
    const tokens = await readTokens(identityIn(dir))
    if (args.flag('admin') === true) {
      screen.print(formatToken(tokens.admin))
      return 0
    }
    const program = args.flag('proxy') === true ? ('proxy' as const) : ('worker' as const)
    const place = await placeOf(args, dir)
    screen.print(joinLine({ program, host: place.host, port: place.port, token: tokens.join }))
    if (place.onlyHere) {
      screen.complain('The master listens for this machine only; start it with --host 0.0.0.0.')
    }
    return 0
  },
}

/** `up` keeps the master's directory inside its own. */
function identityIn(dir: string): string {
  const inside = join(dir, 'master')
  return !existsSync(join(dir, 'identity')) && existsSync(inside) ? inside : dir
}

interface Place {
  readonly host: string
  readonly port: number
  readonly onlyHere: boolean
}

async function placeOf(args: Arguments, dir: string): Promise<Place> {
  const { readState } = await import('../up/state.ts')
  const state = readState(dir)
  const running = state === undefined ? undefined : Number(new URL(state.master).port)
  return {
    host: args.text('host') ?? specificHost(state?.host) ?? outerAddress() ?? '127.0.0.1',
    port: args.port('port') ?? running ?? PORT_DEFAULT,
    onlyHere: state !== undefined && isLoopback(state.host),
  }
}

/** The one address that `up --host` named; all addresses and loopback tell nothing. */
function specificHost(host: string | undefined): string | undefined {
  const isAny = host === undefined || host === '0.0.0.0' || host === '::' || isLoopback(host)
  return isAny ? undefined : host
}

/** An address of this machine that others may reach. */
function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((found) => found ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}
