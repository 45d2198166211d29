/** Asks a replica once whether it is well: only ever its own port on this node's address. */
import { request } from 'node:http'
import { connect } from 'node:net'
import { startDeadline } from '../shared/call-deadline.ts'
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

/** Whatever goes wrong in asking is the answer. */
export async function probe(
  how: Probe,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const limit = startDeadline(timeoutMs, signal)
  try {
    return await ask(how, target, { timeoutMs, signal: limit.signal })
  } catch (error) {
    return failed(limit.isOver() ? `no answer within ${timeoutMs} ms` : sentenceOf(error))
  } finally {
    limit.end()
  }
}

interface Limit {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

function ask(how: Probe, target: ProbeTarget, { timeoutMs, signal }: Limit): Promise<Outcome> {
  switch (how.kind) {
    case 'http':
      return askHttp(how.path, target, signal)
    case 'tcp':
    case 'image':
      return askTcp(target, signal)
    case 'command':
      return askCommand(how.command, target, timeoutMs)
    case 'none':
      return Promise.resolve(PASSED)
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
