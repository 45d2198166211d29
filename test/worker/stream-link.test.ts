/** The worker's side of streams: its real link and server, a real driver, and a master in miniature. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { createControlClient } from '../../shared/control-client.ts'
import { streamsOver } from '../../shared/stream-connection.ts'
import type { Stream, StreamMux } from '../../shared/stream-mux.ts'
import { acceptSocket, type StreamSocket } from '../../shared/stream-socket.ts'
import { ProcessDriver } from '../../worker/drivers/process/process-driver.ts'
import { StartProgress } from '../../worker/start-progress.ts'
import { openStreamLink } from '../../worker/stream-link.ts'
import { createStreamServer } from '../../worker/stream-server.ts'
import { until } from '../support/until.ts'
import { assignedReplica, node } from './support/assigned.ts'
import { RecordedLog } from './support/recorded-log.ts'
import { scratch } from './support/scratch.ts'

const PORT = 20_100

/** Takes whoever comes, and asks over the last connection. */
class Master {
  readonly paths: string[] = []
  socket: StreamSocket | undefined
  mux: StreamMux | undefined
  port = 0
  #server: Server | undefined

  async come(): Promise<void> {
    const server = createServer()
    server.on('upgrade', async (request, socket, head) => {
      this.paths.push(request.url ?? '')
      this.socket = await acceptSocket(request, socket, head)
      this.mux = streamsOver(this.socket, { lost: (reason) => `Cannot go on: ${reason}` })
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async go(): Promise<void> {
    this.socket?.close('the master ends')
    await this.socket?.closed
    this.mux = undefined
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  async open(request: unknown): Promise<Stream> {
    const mux = await until(() => this.mux)
    const stream = mux.open(request)
    await stream.opened
    return stream
  }
}

interface Life {
  readonly master: Master
  readonly driver: ProcessDriver
  readonly progress: StartProgress
  readonly log: RecordedLog
  node: string | undefined
  stop(): Promise<void>
}

async function live(): Promise<Life> {
  const master = new Master()
  await master.come()
  const log = new RecordedLog()
  const clock = systemClock
  const environment = { PATH: process.env.PATH }
  const driver = new ProcessDriver({
    ...{ directory: await scratch(), clock, log },
    surroundings: () => ({ node: 'n1', host: '127.0.0.1', environment }),
  })
  const progress = new StartProgress(clock)
  const client = createControlClient({ masters: [`http://127.0.0.1:${master.port}`] })
  const serve = createStreamServer({ driver, progress, clock, log })
  const ending = new AbortController()
  const life: Life = {
    ...{ master, driver, progress, log, node: 'n1' },
    stop: async () => {
      ending.abort()
      await running
    },
  }
  const link = openStreamLink({ client, node: () => life.node, serve, clock, log })
  const running = link.run(ending.signal)
  onTestFinished(async () => {
    await life.stop()
    await master.go().catch(() => undefined)
    client.close()
    await driver.close()
    for (const { replica } of (await driver.list()).running) await driver.stop(replica, 0)
  })
  return life
}

async function run(driver: ProcessDriver, script: string): Promise<void> {
  const assigned = assignedReplica({ command: node(script) })
  const signal = new AbortController().signal
  await driver.start({ assigned, port: PORT, onProgress: () => undefined }, signal)
}

async function textOf(stream: Stream): Promise<string> {
  let text = ''
  let last = ''
  for await (const { channel, bytes } of stream.chunks) {
    text += channel === last ? '' : `${channel}:`
    text += Buffer.from(bytes)
    last = channel
  }
  return text
}

const IDLE = 'setInterval(() => {}, 1000)'
const LOGS = { kind: 'logs', replica: 'r1', follow: false }

describe('openStreamLink()', () => {
  test('calls the master under its node, again after a master that went, and tells it once', async () => {
    const { master, log } = await live()
    await until(() => master.mux)
    expect(master.paths).toEqual(['/v1/nodes/n1/streams'])
    await master.go()
    await until(() => log.count('streams cannot be opened') === 1)
    await master.come()
    await until(() => master.mux)
    await until(() => log.count('streams are open again') === 1)
    expect(log.count('streams cannot be opened')).toBe(1)
  })

  test('waits for the node to join, and calls anew when it is another', async () => {
    const life = await live()
    life.node = undefined
    const first = await until(() => life.master.socket)
    expect(await first.closed).toBe('the worker is another node now')
    life.node = 'n2'
    await until(() => life.master.paths.at(-1) === '/v1/nodes/n2/streams')
  })

  test('says goodbye when the worker ends', async () => {
    const { master, stop } = await live()
    const socket = await until(() => master.socket)
    await stop()
    expect(await socket.closed).toBe('the worker ends')
  })
})

describe('createStreamServer() answers', () => {
  test('what a replica printed, also when it has ended', async () => {
    const { master, driver } = await live()
    await run(driver, "console.log('one'); console.error('two')")
    const lines = await until(async () => {
      const text = await textOf(await master.open(LOGS))
      return text.includes('two') ? text : undefined
    })
    expect(lines).toBe(
      'stdout:{"stream":"stdout","text":"one"}\n{"stream":"stderr","text":"two"}\n',
    )
    await driver.stop('r1', 0)
    expect(await textOf(await master.open(LOGS))).toContain('one')
  })

  test('what it goes on printing, until nobody listens', async () => {
    const { master, driver } = await live()
    await run(driver, "setInterval(() => console.log('again'), 10)")
    const stream = await master.open({ ...LOGS, follow: true })
    let count = 0
    for await (const { bytes } of stream.chunks) {
      count += Buffer.from(bytes).toString().split('again').length - 1
      if (count > 10) break
    }
    stream.cancel()
    await until(() => master.mux?.streams === 0)
  })

  test('a command with its input, its outputs apart and its exit code', async () => {
    const { master, driver } = await live()
    await run(driver, IDLE)
    const script = `
      process.stdin.on('data', (d) => process.stdout.write(d))
      process.stdin.on('end', () => { console.error(process.env.PORT); process.exitCode = 5 })`
    const stream = await master.open({ kind: 'exec', replica: 'r1', command: node(script) })
    await stream.write('input', Buffer.from('typed'))
    stream.endInput()
    expect(await textOf(stream)).toBe(`stdout:typedstderr:${PORT}\n`)
    expect(await stream.outcome).toEqual({ kind: 'done', code: 5 })
  })

  test('a command that is ended when nobody wants it any more', async () => {
    const { master, driver } = await live()
    await run(driver, IDLE)
    const command = node(`console.log(process.pid); ${IDLE}`)
    const stream = await master.open({ kind: 'exec', replica: 'r1', command })
    const { value } = await stream.chunks[Symbol.asyncIterator]().next()
    const pid = Number(Buffer.from(value?.bytes ?? []).toString())
    expect(process.kill(pid, 0)).toBe(true)
    stream.cancel()
    await until(() => {
      try {
        return !process.kill(pid, 0)
      } catch {
        return true
      }
    })
  })

  test('how far a start is', async () => {
    const { master, progress } = await live()
    progress.tell('r1', { text: 'pulling', doneBytes: 1 })
    const stream = await master.open({ kind: 'progress', replica: 'r1' })
    progress.ended('r1')
    expect(await textOf(stream)).toBe('stdout:{"text":"pulling","doneBytes":1}\n')
  })

  const exec = { kind: 'exec', replica: 'r1' }
  const refused = [
    { request: { kind: 'what' }, status: 400 },
    { request: undefined, status: 400 },
    { request: { ...LOGS, replica: 'r9' }, status: 404 },
    { request: { ...LOGS, replica: '../../etc' }, status: 422 },
    { request: { ...exec, command: ['true'], replica: 'r9' }, status: 409 },
    { request: { ...exec, command: ['no-such-program'] }, status: 422 },
    { request: { ...exec, command: ['sh'], terminal: { columns: 80, rows: 24 } }, status: 422 },
  ]
  test.each(refused)('$request with status $status', async ({ request, status }) => {
    const { master, driver } = await live()
    await run(driver, IDLE)
    await expect(master.open(request ?? null)).rejects.toMatchObject({ status })
  })
})
