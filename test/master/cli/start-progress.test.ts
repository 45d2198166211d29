import { expect, onTestFinished, test } from 'vitest'
import { StartProgress } from '../../../master/cli/start-progress.ts'
import type { ReplicaView } from '../../../shared/api.ts'
import { MasterUnreachable } from '../../../shared/control-client.ts'
import { until } from '../../support/until.ts'

function replica(id: string, state: ReplicaView['state'] = 'starting'): ReplicaView {
  const createdAt = '2030-01-01T00:00:00.000Z'
  return { id, service: 's', serviceName: 'web', revision: 1, state, restarts: 0, createdAt }
}

/** A master that tells lines as the test wants it to. */
class Telling {
  readonly paths: string[] = []
  #next: ((line: string | undefined) => void) | undefined

  async *lines(path: string): AsyncGenerator<string> {
    this.paths.push(path)
    for (;;) {
      const line = await new Promise<string | undefined>((resolve) => {
        this.#next = resolve
      })
      if (line === undefined) return
      yield line
    }
  }

  async tell(progress: object | undefined): Promise<void> {
    const next = await until(() => this.#next)
    this.#next = undefined
    next(progress === undefined ? undefined : JSON.stringify({ replica: '123456789', ...progress }))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function begin(isTTY: boolean): {
  master: Telling
  progress: StartProgress
  written: () => string
} {
  const master = new Telling()
  let text = ''
  const write = (more: string): void => {
    text += more
  }
  const progress = new StartProgress(master, { isTTY, columns: 40, write })
  onTestFinished(() => progress.close())
  return { master, progress, written: () => text }
}

const CLEAR = '\r\u001b[K'

test('StartProgress draws one line again and again on a terminal, and clears it in the end', async () => {
  const { master, progress, written } = begin(true)
  progress.look([replica('123456789'), replica('987654321', 'serving')])
  expect(master.paths).toEqual(['/v1/replicas/123456789/progress'])
  await master.tell({ text: 'pulling' })
  await master.tell({ text: 'pulling', doneBytes: 5_000_000, totalBytes: 20_000_000 })
  await master.tell({ text: 'pulling', doneBytes: 7_000_000 })
  await master.tell({ text: `steps ${'x'.repeat(100)}` })
  await master.tell(undefined)
  expect(written()).toBe(
    [
      `${CLEAR}12345678 pulling`,
      `${CLEAR}12345678 pulling 25% of 20.0 MB`,
      `${CLEAR}12345678 pulling 7.0 MB`,
      `${CLEAR}12345678 steps ${'x'.repeat(24)}`,
      CLEAR,
    ].join(''),
  )
})

test('StartProgress prints a line for each step elsewhere', async () => {
  const { master, progress, written } = begin(false)
  progress.look([replica('123456789')])
  progress.look([replica('123456789')])
  await master.tell({ text: 'pulling', doneBytes: 1 })
  await master.tell({ text: 'pulling', doneBytes: 2 })
  await master.tell({ text: 'starting\u001b[2J' })
  expect(written()).toBe('12345678  pulling\n12345678  starting?[2J\n')
  expect(master.paths).toHaveLength(1)
})

test('StartProgress is no reason to fail when the master cannot tell', async () => {
  let asked = 0
  async function* lines(): AsyncGenerator<string> {
    asked += 1
    if (asked > 0) throw new MasterUnreachable('Cannot reach the master')
    yield ''
  }
  const progress = new StartProgress({ lines }, { write: () => undefined })
  progress.look([replica('1')])
  await until(() => asked === 1)
  progress.look([replica('1')])
  progress.close()
  expect(asked).toBe(1)
})
