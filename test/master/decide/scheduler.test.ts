import { expect, test } from 'vitest'
import { place, type Slot } from '../../../master/decide/scheduler.ts'
import { nodeNamed, specNamed } from '../../support/worlds.ts'

function slot(name: string, changes: Partial<Slot> = {}): Slot {
  return {
    node: nodeNamed(name),
    why: 'it reports in time',
    cpuPercent: 10,
    memoryPercent: 10,
    cpuReserved: 0,
    memoryReservedMb: 0,
    replicas: 0,
    ofService: 0,
    hostPorts: new Set(),
    ...changes,
  }
}

const web = specNamed('web')

function busy(name: string): Pick<Slot, 'node'> {
  return { node: nodeNamed(name, { condition: 'busy' }) }
}

test('place() adds CPU and RAM as numbers: 20 + 20 is less than 50 + 5', () => {
  const slots = [
    slot('a', { cpuPercent: 9, memoryPercent: 80 }),
    slot('b', { cpuPercent: 50, memoryPercent: 5 }),
    slot('c', { cpuPercent: 30, memoryPercent: 30 }),
    slot('d', { cpuPercent: 20, memoryPercent: 20 }),
  ]
  expect(place(web, slots)).toMatchObject({ kind: 'placed', node: 'd' })
})

const choices = [
  { why: 'the node that does not run it yet', a: { ofService: 1, cpuPercent: 1 }, b: {} },
  { why: 'the less loaded node', a: { cpuPercent: 40 }, b: {} },
  { why: 'the emptier node', a: { replicas: 3 }, b: {} },
  {
    why: 'the node that is ready',
    a: { node: nodeNamed('a', { condition: 'busy' }) },
    b: { cpuPercent: 80 },
  },
  { why: 'the node that is heard', a: { node: nodeNamed('a', { condition: 'suspect' }) }, b: {} },
  { why: 'the open node', a: { node: nodeNamed('a', { condition: 'cordoned' }) }, b: {} },
  { why: 'the platform node', a: { node: nodeNamed('a', { pool: 'standby' }) }, b: {} },
  { why: 'the node with CPU left', a: { cpuReserved: 3.95 }, b: {} },
  { why: 'the node with memory left', a: { memoryReservedMb: 8_150 }, b: {} },
] as const
test.each(choices)('place() chooses $why', ({ a, b }) => {
  expect(place(web, [slot('a', a), slot('b', b)])).toMatchObject({ kind: 'placed', node: 'b' })
})

test('place() keeps a fixed port from being given twice on a node', () => {
  const fixed = specNamed('web', { hostPort: 8_000 })
  const taken = slot('a', { hostPorts: new Set([8_000]) })
  expect(place(fixed, [taken, slot('b')])).toMatchObject({ node: 'b' })
  expect(place(fixed, [taken])).toEqual({
    kind: 'nowhere',
    reason: 'no worker can take it: port 8000 is taken on a',
  })
})

test('place() avoids nodes where it failed, as long as there is another', () => {
  expect(place(web, [slot('a'), slot('b', { cpuPercent: 60 })], ['a'])).toMatchObject({ node: 'b' })
  expect(place(web, [slot('a')], ['a'])).toMatchObject({ node: 'a' })
})

test('place() goes round the nodes where it failed, the longest ago first', () => {
  const slots = [slot('a'), slot('b', { cpuPercent: 60 }), slot('c', { cpuPercent: 90 })]
  expect(place(web, slots, ['c', 'a', 'b'])).toMatchObject({ node: 'c' })
  expect(place(web, slots, ['b', 'c', 'a'])).toMatchObject({ node: 'b' })
})

test('place() names the trouble of a node', () => {
  const trouble = 'the Docker Engine does not answer'
  const why = trouble
  expect(place(web, [slot('w2', { ...busy('w2'), why, trouble })])).toEqual({
    kind: 'nowhere',
    reason: 'no worker can take it: w2: the Docker Engine does not answer',
  })
})

const kinds = [
  { driver: 'process', spec: { image: 'nginx', command: [] }, says: 'no command is given' },
  { driver: 'process', spec: { image: 'nginx' }, says: undefined },
  { driver: 'process', spec: { user: '1000' }, says: 'all as the same user' },
  {
    driver: 'process',
    spec: { volumes: [{ volume: 'data', path: '/x', readOnly: false }] },
    says: 'have no volumes',
  },
  { driver: 'docker', spec: {}, says: 'n1 runs containers, and no image is given' },
  { driver: 'docker', spec: { image: 'nginx', command: [] }, says: undefined },
] as const
test.each(kinds)('place() puts $spec on a node of $driver only where it can run', (row) => {
  const slots = [slot('n1', { node: nodeNamed('n1', { driver: row.driver }) })]
  const { kind, reason } = place(specNamed('web', row.spec), slots)
  expect(kind).toBe(row.says === undefined ? 'placed' : 'nowhere')
  expect(reason).toContain(row.says ?? 'n1 runs 0 of it')
})

test('place() says in numbers why nothing fits', () => {
  const big = specNamed('big', {
    resources: {
      cpuLimit: 1,
      memoryLimitMb: 9_000,
      cpuReserved: 1,
      memoryReservedMb: 512,
      pidsMax: 9,
    },
  })
  const slots = [
    slot('n1', { ...busy('n1'), why: 'CPU at or over 85 %' }),
    slot('n2', { memoryReservedMb: 7_892 }),
  ]
  expect(place(big, slots)).toEqual({
    kind: 'nowhere',
    reason:
      'no worker can take it: n1 is busy: CPU at or over 85 %; needs 512 MB, n2 has 300 MB free',
  })
  expect(place(big, [])).toEqual({ kind: 'nowhere', reason: 'there is no worker: start one' })
})
