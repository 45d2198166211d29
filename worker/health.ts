/** Asks a replica once whether it is well: only ever its own port on this node's address. */
import { request } from 'node:http'
import { connect } from 'node:net'
import { deadline } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Probe } from '../shared/model.ts'
import type { Outcome } from './decide/health.ts'
import type { Driver } from './drivers/driver.ts'

export interface ProbeTarget {
  readonly replica: string
  readonly host: string
  readonly port: number
  readonly driver: Pick<Driver, 'exec'>
}

/** Of an answer only its head counts, and only this much of it is read. */
const ANSWER_BYTES_MAX = 4_096

const PASSED: Outcome = { kind: 'passed' }

export function probe(
  how: Probe,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const limit = deadline(timeoutMs, signal)
  switch (how.kind) {
    case 'http':
      return settled(askHttp(how.path, target, limit), timeoutMs, limit)
    case 'tcp':
      return settled(askTcp(target, limit), timeoutMs, limit)
    case 'command':
      return settled(askCommand(how.command, target, timeoutMs), timeoutMs, limit)
    case 'none':
      return Promise.resolve(PASSED)
  }
}

/** Whatever goes wrong in asking is the answer. */
async function settled(
  asked: Promise<Outcome>,
  timeoutMs: number,
  limit: AbortSignal,
): Promise<Outcome> {
  try {
    return await asked
  } catch (error) {
    return failed(limit.aborted ? `no answer within ${timeoutMs} ms` : sentenceOf(error))
  }
}

/** 200 to 399 is well. A redirect is an answer and is never followed. */
function askHttp(path: string, { host, port }: ProbeTarget, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, signal, agent: false, maxHeaderSize: ANSWER_BYTES_MAX }
    const asked = request({ ...options, headers: { 'user-agent': 'orchestrify' } }, (answer) => {
      const status = answer.statusCode ?? 0
      answer.destroy()
      const well = status >= 200 && status < 400
      resolve(well ? PASSED : failed(`GET ${path} answered ${status}`))
    })
    asked.on('error', reject)
    // Nobody asked for an upgrade: without a listener its socket would stay open.
    asked.on('upgrade', (_answer, socket) => {
      socket.destroy()
      resolve(failed(`GET ${path} answered 101`))
    })
    asked.end()
  })
}

function askTcp({ host, port }: ProbeTarget, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const give = (): void => {
      socket.destroy()
      reject(new Error('timed out'))
    }
    signal.addEventListener('abort', give, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      // Without a listener, a port can be connected with itself.
      const self = socket.localPort === port && socket.localAddress === socket.remoteAddress
      socket.destroy()
      resolve(self ? failed(`nothing listens on port ${port}`) : PASSED)
    })
    socket.once('close', () => signal.removeEventListener('abort', give))
  })
}

async function askCommand(
  command: readonly string[],
  { driver, replica }: ProbeTarget,
  timeoutMs: number,
): Promise<Outcome> {
  const { code, output } = await driver.exec(replica, command, timeoutMs)
  if (code === 0) return PASSED
  const [line = ''] = output.split('\n')
  return failed(`${command[0]} exited with code ${code}${line === '' ? '' : `: ${line}`}`)
}

/** A reason goes into every report: it must stay small. */
const REASON_LENGTH_MAX = 200

function failed(reason: string): Outcome {
  return { kind: 'failed', reason: reason.slice(0, REASON_LENGTH_MAX) }
}
