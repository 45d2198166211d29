import { expect, test } from 'vitest'
import { Ledger } from '../../master/ledger.ts'
import { createMasterMetrics } from '../../master/master-metrics.ts'
import { createMemoryStore } from '../../master/store/memory.ts'
import type { Change } from '../../shared/change.ts'
import { nodeNamed, SeenWorld } from '../support/worlds.ts'

const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
function quiet(): void {}

test('the master tells which node is in trouble', async () => {
  const store = createMemoryStore()
  const ledger = await Ledger.open(store, { log, snapshotEvery: 100, keepEntries: 100 })
  const joined = (name: string): Change => {
    return { kind: 'node-joined', node: nodeNamed(name), atMs: 0, actor: 'test', reason: 'test' }
  }
  await ledger.commit(() => [joined('n1'), joined('n2'), joined('n3')])
  const observed = new SeenWorld()
  observed.beat('n1', 0)
  observed.beat('n2', 0, { trouble: 'the Docker Engine does not answer' })
  const alerts = { alertCpuPercent: 80, alertMemoryPercent: 85, alertDiskPercent: 90 }
  const proxies = { list: () => [] }
  const { metrics } = createMasterMetrics({ alerts, ledger, observed, proxies })
  const lines = (await metrics.text()).split('\n')
  const troubled = lines.filter((line) => line.startsWith('orchestrify_node_trouble{'))
  expect(troubled.map((line) => line.replace(',program="master"', ''))).toEqual([
    'orchestrify_node_trouble{node="n1"} 0',
    'orchestrify_node_trouble{node="n2"} 1',
    'orchestrify_node_trouble{node="n3"} 0',
  ])
  await store.close()
})
