/** The call of the command line on a terminal, against a real API and a worker that the test plays. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Answering } from '../../../shared/stream-mux.ts'
import { ROOT } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { type Asked, begin, work, world } from '../streams/fixture.ts'

async function played(): Promise<Asked[]> {
  const { asked } = await work(await begin(), ({ stream }) => stream.accept())
  return asked
}

/** The command line on a terminal of 30 rows and 90 columns. */
function onTerminal(...argv: readonly string[]) {
  const runner = [join(ROOT, 'test/support/terminal.py'), '30', '90', process.execPath]
  const program = join(ROOT, 'dist/master/main.js')
  const child: ChildProcess = spawn('python3', [...runner, program, ...argv], {
    env: { PATH: process.env.PATH, ORCHESTRIFY_MASTER: world.url },
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  const order = (value: object): unknown => child.stdin?.write(`${JSON.stringify(value)}\n`)
  return {
    output: () => output,
    type: (text: string) => order({ type: text }),
    resize: (rows: number, columns: number) => order({ resize: [rows, columns] }),
  }
}

async function heard(stream: Answering, into: string[]): Promise<void> {
  for await (const { channel, bytes } of stream.chunks) {
    into.push(`${channel} ${Buffer.from(bytes)}`)
  }
}

test('exec -it lends the terminal: every key, its size, and gives it back as it was', async () => {
  const asked = await played()
  const terminal = onTerminal('exec', 'r1234567', '-it', '--', 'sh')
  const { request, stream } = await until(() => asked[0])
  expect(request).toMatchObject({ command: ['sh'], terminal: { rows: 30, columns: 90 } })
  const seen: string[] = []
  const hearing = heard(stream, seen).catch(() => undefined)
  await stream.write('stdout', Buffer.from('prompt> '))
  await until(() => terminal.output().includes('prompt> '))
  // Ctrl-C and Ctrl-D are the command's, and nothing is shown twice.
  terminal.type('ls\u0003\u0004')
  await until(() => seen.join('').includes('input ls\u0003\u0004'))
  terminal.resize(40, 100)
  await until(() => seen.includes('resize {"columns":100,"rows":40}'))
  stream.end({ kind: 'done', code: 9 })
  await until(() => terminal.output().includes('ended 9 restored'))
  expect(terminal.output()).not.toContain('ls')
  await hearing
})

test('exec -t gives the terminal back when the worker refuses', async () => {
  const asked = await played()
  const terminal = onTerminal('exec', 'r1234567', '-t', '--', 'sh')
  const { stream } = await until(() => asked[0])
  const message = 'Cannot open a terminal: the process driver has none'
  stream.end({ kind: 'failed', status: 422, code: 'NO_TERMINAL', message })
  await until(() => terminal.output().includes('ended 1 restored'))
  expect(terminal.output()).toContain(message)
})

test('exec without -t leaves Ctrl-C to the one who calls', async () => {
  const asked = await played()
  const terminal = onTerminal('exec', 'r1234567', '--', 'sleep', '600')
  const { request, stream } = await until(() => asked[0])
  expect(request).not.toHaveProperty('terminal')
  await stream.write('stdout', Buffer.from('begun'))
  await until(() => terminal.output().includes('begun'))
  terminal.type('\u0003')
  await until(() => terminal.output().includes('ended 130 restored'))
  await until(() => stream.signal.aborted)
})
