import type { Api } from './api.ts'
import type { Arguments } from './arguments.ts'
import type { Options, Session } from './command.ts'
import { failureOf } from './failure.ts'

export const listOptions: Options = {
  json: { kind: 'flag', meaning: "Print the API's JSON." },
  watch: { kind: 'flag', meaning: 'Show it again each second until Ctrl-C.' },
}

export interface Listing {
  readonly path: string
  /** The lines for people. */
  show(raw: unknown): readonly string[]
}

const WATCH_EVERY_MS = 1_000

/** Shows what one path answers: once or again and again, as lines or as JSON. */
export async function list(listing: Listing, args: Arguments, session: Session): Promise<number> {
  const api = await session.connect(args)
  const look = async (): Promise<readonly string[]> => {
    const raw = await api.get(listing.path)
    return args.flag('json') === true ? [JSON.stringify(raw, undefined, 2)] : listing.show(raw)
  }
  const first = await look()
  if (args.flag('watch') === true) return watch(first, look, session)
  for (const line of first) session.screen.print(line)
  return 0
}

async function watch(
  first: readonly string[],
  look: () => Promise<readonly string[]>,
  { screen, clock, signal }: Session,
): Promise<number> {
  let shown = first
  screen.draw(shown)
  for (;;) {
    await clock.sleep(WATCH_EVERY_MS, signal)
    if (signal.aborted) return 0
    const next = await look().catch((error: unknown) => failureOf(error).lines)
    const changed = next.join('\n') !== shown.join('\n')
    shown = next
    if (screen.isTerminal || changed) screen.draw(shown)
  }
}

/** A path for a name or an id that a user typed. */
export function pathOf(api: string, id: string, ...below: readonly string[]): string {
  return ['/v1', api, encodeURIComponent(id), ...below].join('/')
}

export type Connected = Pick<Api, 'get' | 'send'>
