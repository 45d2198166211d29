import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { UpstreamAddress } from '../../../../proxy/http1/transport.ts'
import { ALL, turns, World } from './world.ts'

/** Listens for one connection and sleeps for ever: the kernel then answers no further ones. */
const SLEEPER = `
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

test.each(ALL)('$name: destroy() gives up a connection that nobody accepts', async (transports) => {
  const world = await World.open(transports)
  const address = await sleepingServer()
  for (let count = 0; count < 4; count += 1) world.own(connect(address))
  await turns()
  const near = world.connect(address)
  await turns(50)
  expect(near.told).toEqual([])
  near.destroy()
  await near.hears('closed')
  expect(near.told).toEqual(['closed'])
  expect(near.reason).toBeUndefined()
})

async function sleepingServer(): Promise<UpstreamAddress> {
  const child = spawn(process.execPath, ['-e', SLEEPER], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => ended(child))
  const [port] = await once(child.stdout, 'data')
  return { host: '127.0.0.1', port: Number(port) }
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
