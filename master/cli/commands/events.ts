import type { Entry } from '../../../shared/change.ts'
import { eventsAnswer, nodesAnswer, replicasAnswer, servicesAnswer } from '../answers.ts'
import type { Api } from '../api.ts'
import type { Arguments } from '../arguments.ts'
import type { Command, Session } from '../command.ts'
import { EventText } from '../event-text.ts'
import { printable } from '../table.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 1_000

export const events: Command = {
  word: 'events',
  operands: '',
  operandsMin: 0,
  operandsMax: 0,
  summary: 'List what happened, each with its reason.',
  options: {
    follow: { kind: 'flag', alias: 'f', meaning: 'Go on with what happens, until Ctrl-C.' },
    after: { kind: 'text', value: 'REVISION', meaning: 'Begin after this revision.' },
    limit: { kind: 'text', value: 'N', meaning: `At most so many. [default ${LIMIT_DEFAULT}]` },
    json: { kind: 'flag', meaning: "Print the API's JSON." },
  },
  run: async (args, session) => {
    const api = await session.connect(args)
    const raw = await latest(api, args)
    const { events: past, revision } = eventsAnswer(raw)
    if (args.flag('follow') !== true && args.flag('json') === true) {
      session.screen.print(JSON.stringify(raw, undefined, 2))
      return 0
    }
    const show = await printer(api, args, session)
    for (const entry of past) show(entry)
    if (args.flag('follow') !== true) return 0
    const head = past.at(-1)?.revision ?? revision
    const { signal, screen } = session
    const onCut = (sentence: string): void => screen.complain(`${sentence}; waiting for it`)
    for await (const entry of api.events(head, { signal, onCut })) show(entry)
    return 0
  },
}

/** The newest ones, or those after the revision that was named. */
async function latest(api: Api, args: Arguments): Promise<unknown> {
  const limit = args.whole('limit', 1, LIMIT_MAX) ?? LIMIT_DEFAULT
  const given = args.whole('after', 0, Number.MAX_SAFE_INTEGER)
  const after = given === undefined ? '' : `&after=${given}`
  return api.get(`/v1/events?limit=${limit}${after}`)
}

async function printer(
  api: Api,
  args: Arguments,
  { screen }: Session,
): Promise<(entry: Entry) => void> {
  if (args.flag('json') === true) return (entry) => screen.print(JSON.stringify(entry))
  const text = new EventText()
  const [nodes, services, replicas] = await Promise.all([
    api.get('/v1/nodes'),
    api.get('/v1/services'),
    api.get('/v1/replicas'),
  ])
  text.know({ ...nodesAnswer(nodes), ...servicesAnswer(services), ...replicasAnswer(replicas) })
  return (entry) => screen.print(printable(text.line(entry)))
}
