/** Runs cases against an engine: lanes side by side, each with a proxy and a replica of its own. */
import { fragmentOf } from '../../support/published.ts'
import { judgeBackend, judgeClient } from './judge.ts'
import { type Mode, turn } from './pieces.ts'
import { Recorder } from './recorder.ts'
import { type Heard, readResponses } from './strict-responses.ts'
import { type Running, type Subject, startSubject } from './subject.ts'
import { asks, type WireCase } from './wire-case.ts'
import { WireClient } from './wire-client.ts'

const LANES = 24
const WAIT_MS = 4_000
const LATE_TURNS = 25

interface Lane {
  readonly proxy: Running
  readonly recorder: Recorder
}

/** What is wrong with each case, by its name. */
export async function runCases(
  subject: Subject,
  cases: readonly WireCase[],
  mode: Mode,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const verdicts = new Map<string, readonly string[]>()
  const waiting = [...cases]
  const lane = async (): Promise<void> => {
    const { proxy, recorder } = await openLane(subject)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      verdicts.set(next.name, await runCase(next, { proxy, recorder }, mode))
    }
    await proxy.close()
    await recorder.stop()
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return verdicts
}

async function openLane(subject: Subject): Promise<Lane> {
  const recorder = new Recorder()
  await recorder.start()
  const routes = [{ host: 'wire.test' }, { host: '[::1]' }, { path: '/open' }]
  const fragments = [fragmentOf('wire', [recorder.port], { routes })]
  const proxy = await startSubject(subject, { fragments })
  return { proxy, recorder }
}

async function runCase(wanted: WireCase, lane: Lane, mode: Mode): Promise<readonly string[]> {
  const { proxy, recorder } = lane
  recorder.begin(wanted.answer, mode)
  const client = new WireClient(proxy.port)
  const wrong: string[] = []
  for (const step of wanted.steps) {
    if (step.kind === 'says') await client.say(step.bytes, mode)
    else if (step.kind === 'ends') client.end()
    else if (!(await client.waits(() => step.pattern.test(client.text), WAIT_MS))) {
      wrong.push(`the client never heard ${step.pattern}`)
    }
  }
  const methods = wanted.methods ?? []
  const heard = (): Heard => readResponses(client.text, methods, client.closed)
  await client.waits(() => client.closed || isSettled(wanted, heard()), WAIT_MS)
  if (wanted.answer?.late !== undefined) await turn(LATE_TURNS)
  wrong.push(...judgeClient(wanted, heard(), client.closed))
  wrong.push(...judgeBackend(wanted, recorder))
  if (wanted.client.ending === 'stays' && wrong.length === 0) wrong.push(...(await goOn(client)))
  client.destroy()
  const { never } = wanted.client
  if (never !== undefined && client.text.includes(never)) wrong.push(`the client got "${never}"`)
  wrong.push(...(await probe(lane)))
  // What the case sent has come to its end by now: nothing more may have been asked.
  wrong.push(...judgeBackend(wanted, recorder).filter((late) => !wrong.includes(late)))
  return wrong
}

function isSettled({ client }: WireCase, heard: Heard): boolean {
  if (heard.dirty !== undefined) return true
  if (client.ending === 'closes' || client.cut === true) return false
  if (client.tunnelled !== undefined && heard.tunnelled.length < client.tunnelled.length) {
    return false
  }
  return heard.answers.length >= client.answers.length
}

/** The next request on the same connection. */
async function goOn(client: WireClient): Promise<readonly string[]> {
  const before = client.text.length
  client.socket.write(asks('GET /probe-again HTTP/1.1'))
  const isAnswered = (): boolean => client.text.slice(before).includes('GET /probe-again')
  await client.waits(() => client.closed || isAnswered(), WAIT_MS)
  const text = client.text.slice(before)
  if (text.startsWith('HTTP/1.1 200 ') && isAnswered()) return []
  return [`the next request got ${JSON.stringify(text.slice(0, 100))}, closed ${client.closed}`]
}

/** A clean request on a connection of its own: whatever happened, others are served. */
async function probe({ proxy }: Lane): Promise<readonly string[]> {
  const client = new WireClient(proxy.port)
  client.socket.write(asks('GET /probe HTTP/1.1', 'Connection: close'))
  await client.waits(() => client.closed, WAIT_MS)
  client.destroy()
  const [answer, ...more] = readResponses(client.text, [], true).answers
  const fine = answer?.status === 200 && answer.body === 'GET /probe ' && more.length === 0
  return fine ? [] : [`POISONED: a clean probe got ${JSON.stringify(client.text.slice(0, 200))}`]
}
