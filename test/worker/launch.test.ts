import { expect, test } from 'vitest'
import { RequestError } from '../../shared/errors.ts'
import type { Running, StartOrder } from '../../worker/drivers/driver.ts'
import { launch } from '../../worker/launch.ts'
import { Ports, parsePortRange } from '../../worker/ports.ts'
import { assignedReplica } from './support/assigned.ts'
import { RecordedLog } from './support/recorded-log.ts'
import { scratch } from './support/scratch.ts'

const never = new AbortController().signal

/** A runtime on which somebody else has the first ports that it is asked for. */
async function runtime(takenCount: number) {
  const ports = await Ports.load(parsePortRange('20000-29999'), await scratch(), new RecordedLog())
  const asked: number[] = []
  const start = async ({ assigned, port }: StartOrder): Promise<Running> => {
    asked.push(port)
    if (asked.length <= takenCount) throw new RequestError(409, 'PORT_IN_USE', 'it is taken')
    return { replica: assigned.replica, port, handle: 'h1', startedAtMs: 0, assigned }
  }
  return { asked, parts: { driver: { start }, ports, progress: { tell: () => undefined } } }
}

test('launch() tries another port when the runtime cannot have the first', async () => {
  const { asked, parts } = await runtime(2)
  const { port } = await launch(assignedReplica(), parts, never)
  expect(asked).toHaveLength(3)
  expect(new Set(asked).size).toBe(3)
  expect(port).toBe(asked[2])
})

test('launch() gives up after some ports, and at once when the port was asked for', async () => {
  const unlucky = await runtime(100)
  await expect(launch(assignedReplica(), unlucky.parts, never)).rejects.toThrow('it is taken')
  expect(unlucky.asked.length).toBe(5)
  const fixed = await runtime(100)
  const assigned = assignedReplica({ hostPort: unlucky.asked[0] ?? 0 })
  await expect(launch(assigned, fixed.parts, never)).rejects.toThrow('it is taken')
  expect(fixed.asked).toEqual([assigned.hostPort])
})
