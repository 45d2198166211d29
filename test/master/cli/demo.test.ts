import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { frame, line, type Moment } from '../../../master/cli/demo/view.ts'
import type { Screen } from '../../../master/cli/screen.ts'
import type { ReplicaView } from '../../../shared/api.ts'
import { Program } from '../../support/program.ts'
import { until } from '../../support/until.ts'

const replica: ReplicaView = {
  id: 'r1',
  service: 's1',
  serviceName: 'sample',
  revision: 1,
  nodeName: 'worker-1',
  state: 'serving',
  restarts: 0,
  createdAt: '2026-01-01T00:00:00.000Z',
}

const moment: Moment = {
  phase: 'rush: 400 requests/s',
  elapsedMs: 12_345,
  objectiveMs: 100,
  picture: {
    samples: [
      { percentileMs: undefined, perSecond: undefined },
      { percentileMs: 20, perSecond: 10 },
      { percentileMs: 300, perSecond: 400 },
    ],
    replicas: [replica, { ...replica, id: 'r2', state: 'starting' }],
    nodes: ['worker-1', 'worker-2'],
    lines: ['sample goes from 1 to 2 replicas'],
  },
}

test('frame() shows the latency against its objective, replicas per node, and the decisions', () => {
  const screen: Pick<Screen, 'paint'> = { paint: (_: string, text: string) => text }
  expect(frame(moment, screen)).toEqual([
    'orchestrify demo  12 s  rush: 400 requests/s',
    '',
    'p95        ▁█  300 ms (objective 100 ms = ▅)',
    'requests   ▁█  400/s',
    'worker-1  ●○',
    'worker-2  ',
    '',
    'sample goes from 1 to 2 replicas',
  ])
})

test('line() says the same in one line for pipes', () => {
  expect(line(moment)).toBe('12 s  rush: 400 requests/s  p95 300 ms  ▁█  worker-1 2, worker-2 0')
})

test('demo ends at Ctrl-C and leaves no process and no folder', async () => {
  const demo = new Program('master', ['demo'])
  onTestFinished(async () => void (await demo.end('SIGTERM')))
  await until(() => demo.output.includes('calm'), { timeoutMs: 40_000 })
  const folder = /orchestrify-demo-\w+/.exec(commandLines(childrenOf(demo.pid)))?.[0] ?? ''
  expect(folder).not.toBe('')
  expect(await demo.end('SIGINT')).toBe(130)
  expect(demo.output).toContain('Stopped before the end of the demo')
  expect(readdirSync(tmpdir())).not.toContain(folder)
  expect(commandLines(processes())).not.toContain(folder)
})

const processes = (): readonly number[] => readdirSync('/proc').map(Number).filter(Number.isInteger)

function childrenOf(pid: number): readonly number[] {
  return processes().filter(
    (child) => read(child, 'stat').split(') ').at(-1)?.split(' ')[1] === `${pid}`,
  )
}

const commandLines = (pids: readonly number[]): string =>
  pids.map((pid) => read(pid, 'cmdline')).join('\n')

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
