/** Holds every engine to a corpus from outside: a folder with `run.mjs` and `corpus.jsonl`. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fragmentOf } from '../support/published.ts'
import { modes } from './support/pieces.ts'
import { nameOf, startSubject, subjects } from './support/subject.ts'

const folder = process.env.WIRE_CORPUS ?? ''
const isThere = folder !== ''
const TIMEOUT_MS = 900_000
const WAIT_MS = 300
const NOTE = 'A corpus from outside runs only where WIRE_CORPUS names its folder.'

if (!isThere) console.info(NOTE)

const rows = subjects.flatMap((subject) =>
  modes.map((mode) => ({ subject, name: nameOf(subject), mode })),
)

describe.runIf(isThere)('an outside corpus (only where WIRE_CORPUS names its folder)', () => {
  test('its folder has a runner and a corpus', () => {
    const missing = ['run.mjs', 'corpus.jsonl'].filter((name) => !existsSync(join(folder, name)))
    expect(missing).toEqual([])
  })

  test.concurrent.each(rows)(
    'the proxy on $name passes it, bytes in $mode',
    async ({ subject, mode }) => {
      const backend = await freePort()
      const routes = [{ host: 'orch.test' }, { path: '/' }]
      const fragments = [fragmentOf('corpus', [backend], { routes })]
      const proxy = await startSubject(subject, { fragments })
      const output = await runner({ target: proxy.port, backend, mode })
      await proxy.close()
      expect(output, output).toMatch(/^[1-9]\d* passed, 0 failed$/m)
      expect(output, output).toMatch(/^critical \([^)]*\): 0\b/m)
    },
    TIMEOUT_MS,
  )
})

interface Run {
  readonly target: number
  readonly backend: number
  readonly mode: string
}

/** Runs it to its end and answers what it printed. */
async function runner({ target, backend, mode }: Run): Promise<string> {
  const argv = [join(folder, 'run.mjs'), '--target', `127.0.0.1:${target}`]
  argv.push('--backend', String(backend), '--mode', mode, '--wait', String(WAIT_MS))
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString('latin1')
    })
  }
  await new Promise((resolve) => child.once('close', resolve))
  return output
}

/** The runner opens its backend itself, on the port that it is told. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
