/** What people see of nodes, replicas and services. */
import { expect, test } from 'vitest'
import { nodeFacts, nodeTable } from '../../../master/cli/commands/nodes.ts'
import { replicaFacts } from '../../../master/cli/commands/procs.ts'
import { serviceTable } from '../../../master/cli/commands/services.ts'
import type { Screen } from '../../../master/cli/screen.ts'
import { nextStep } from '../../../master/cli/up/next-step.ts'
import type { NodeView, ReplicaView, ServiceView } from '../../../shared/api.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { specNamed } from '../../support/worlds.ts'

const AT = '2026-01-01T00:00:00.000Z'
const screen: Screen = {
  ...{ isTerminal: false, print: () => undefined, complain: () => undefined },
  ...{ draw: () => undefined, paint: (_: string, text: string) => text },
}
const shown = { screen, clock: new FakeClock(Date.parse(AT)) }

const node: NodeView = {
  ...{ id: 'n1', name: 'w1', address: '10.0.0.1', driver: 'docker', pool: 'platform' },
  ...{ condition: 'ready', schedulability: 'open', cpuPercent: 12, memoryPercent: 40 },
  ...{ diskPercent: 7, cpus: 4, memoryMb: 8_192, cpuReserved: 0.35, memoryReservedMb: 164 },
  ...{ replicas: 2, joinedAt: AT, seenAt: AT },
}
const trouble = 'the Docker Engine does not answer'
const hung: NodeView = { ...node, condition: 'busy', reason: trouble, trouble }

test('nodeTable() shows the driver, and why a node is not ready', () => {
  const [heading = '', first = ''] = nodeTable([node], shown)
  expect(heading).not.toContain('REASON')
  expect(first).toContain('docker')
  const [other = '', ...rows] = nodeTable([node, hung], shown)
  expect(other).toContain('REASON')
  expect(rows[1]).toMatch(/ busy .* the Docker Engine does not answer$/)
})

test('nodeFacts() shows what is reserved, and a trouble once', () => {
  const facts = nodeFacts(hung, shown)
  expect(facts).toContain('cpu         12% of 4 cores, 0.35 reserved')
  expect(facts).toContain('memory      40% of 8192 MB, 164 MB reserved')
  expect(facts.filter((line) => line.includes(trouble))).toHaveLength(1)
  const cordoned = { ...hung, condition: 'cordoned', reason: 'it takes nothing new' } as const
  expect(nodeFacts(cordoned, shown)).toContain(`trouble     ${trouble}`)
})

const replica: ReplicaView = {
  ...{ id: 'r1', service: 's1', serviceName: 'web', revision: 1, state: 'serving' },
  ...{ restarts: 0, createdAt: AT },
}

test('replicaFacts() shows the bytes that are known', () => {
  const used = { ...replica, networkInBytes: 3_200_000, networkOutBytes: 0, diskReadBytes: 10 }
  expect(replicaFacts(used)).toContain('network   3.2 MB in, 0 B out')
  expect(replicaFacts(used)).toContain('disk      10 B read')
  expect(replicaFacts(replica).join('\n')).not.toMatch(/network|disk/)
})

function serviceOf(name: string, image?: string): ServiceView {
  const spec = specNamed(name, image === undefined ? {} : { image })
  return {
    ...{ id: name, name, spec, revision: 1, objective: 'p95 < 100ms', replicas: 1, serving: 1 },
    ...{ starting: 0, pending: 0, path: `/s/${name}/`, urls: [], createdAt: AT },
  }
}

test('serviceTable() shows images where there are any', () => {
  const [heading = '', web = '', api = ''] = serviceTable(
    [serviceOf('web', 'shop/web:1'), serviceOf('api')],
    shown,
  )
  expect(heading).toMatch(/^NAME +IMAGE +SERVING/)
  expect(web).toMatch(/^web +shop\/web:1 /)
  expect(api).toMatch(/^api +- /)
  expect(serviceTable([serviceOf('api')], shown)[0]).not.toContain('IMAGE')
})

const CONTAINERS = 'orchestrify run NAME --image IMAGE'
const PROCESSES = 'orchestrify run NAME -- COMMAND...'
const steps: readonly [readonly NodeView['driver'][], string][] = [
  [['docker', 'docker'], CONTAINERS],
  [['process'], PROCESSES],
  [['docker', 'process'], `${CONTAINERS}, or: ${PROCESSES}`],
  [[], `${CONTAINERS}, or: ${PROCESSES}`],
]
test.each(steps)('nextStep() on %j is: %s', async (drivers, step) => {
  const nodes = drivers.map((driver) => ({ ...node, driver }))
  expect(await nextStep({ get: async () => ({ nodes }) })).toBe(step)
})

test('nextStep() names both ways when the master cannot say', async () => {
  const get = (): Promise<unknown> => Promise.reject(new Error('away'))
  expect(await nextStep({ get })).toContain(', or: ')
})
