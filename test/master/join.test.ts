import { expect, test } from 'vitest'
import { joinNode } from '../../master/decide/join.ts'
import type { Node } from '../../shared/model.ts'
import { counter, desiredWith, nodeNamed } from '../support/worlds.ts'

const join = {
  wire: 1 as const,
  name: 'n1',
  driver: 'process' as const,
  capacity: { cpus: 2, memoryMb: 1_000 },
}

function joinedBy(
  known: Node | undefined,
  shown: string | undefined,
  alive: boolean,
): Node | undefined {
  const desired = desiredWith(known === undefined ? [] : [{ kind: 'node-joined', node: known }])
  const change = joinNode(desired, join, {
    nowMs: 5,
    address: '10.0.0.9',
    ...(shown === undefined ? {} : { shownHash: shown }),
    secretHash: 'new',
    isAlive: () => alive,
    newId: counter('id-'),
  })
  return change.kind === 'node-joined' ? change.node : undefined
}

const known = nodeNamed('n1', { id: 'old', secretHash: 'mine', schedulability: 'leaving' })

test('joinNode() gives a new name a new id and opens it for replicas', () => {
  expect(joinedBy(undefined, undefined, false)).toMatchObject({
    id: 'id-1',
    address: '10.0.0.9',
    schedulability: 'open',
    secretHash: 'new',
  })
})

const same = [
  { why: 'it proves to be the same worker', shown: 'mine', alive: true },
  { why: 'its old self is silent', shown: undefined, alive: false },
  { why: 'its old self is silent and its secret was lost', shown: 'other', alive: false },
] as const
test.each(same)('joinNode() gives the same name the same id when $why', ({ shown, alive }) => {
  expect(joinedBy(known, shown, alive)).toMatchObject({ id: 'old', schedulability: 'open' })
})

test.each([undefined, 'other'])('joinNode() refuses the name of a live worker to %s', (shown) => {
  expect(() => joinedBy(known, shown, true)).toThrow(
    'Cannot join as "n1": a worker of that name is connected; stop it or choose another --worker-name',
  )
})

test('joinNode() refuses another driver: replicas of the old one would be forgotten', () => {
  expect(() => joinedBy({ ...known, driver: 'docker' }, 'mine', false)).toThrow(
    'its driver is docker',
  )
})

test('joinNode() leaves a cordon and a release in force', () => {
  const cordoned = { ...known, schedulability: 'cordoned' as const }
  expect(joinedBy(cordoned, 'mine', true)).toMatchObject({ schedulability: 'cordoned' })
})
