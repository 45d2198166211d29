import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AssignedReplica } from '../../../../shared/protocol.ts'
import { environmentOf } from '../../../../worker/drivers/docker/container-environment.ts'
import { labelsOf, nameOf, originOf } from '../../../../worker/drivers/docker/labels.ts'
import { assignedReplica } from '../../support/assigned.ts'

const place = { node: 'n1', port: 20_001, epoch: 4 }
const assigned = assignedReplica({ environment: { KEY: 'hush' }, labels: { team: 'blue' } })

function carried(one: AssignedReplica): readonly string[] {
  return ['PATH=/bin', ...environmentOf(one, { port: 80, node: 'n1' })]
}

test('originOf() gives back what labelsOf() wrote, whatever the environment holds', () => {
  const name = fc
    .stringMatching(/^[A-Z_]{1,8}$/)
    .filter((each) => each !== 'PORT' && each !== 'HOST')
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: 'grapheme' })), (environment) => {
      const one = { ...assigned, environment: { ...environment } }
      const origin = originOf(labelsOf(one, place), carried(one), 'n1')
      expect(origin).toEqual({ kind: 'ours', assigned: one, port: 20_001, epoch: 4 })
    }),
  )
})

test('labelsOf() writes no value of the environment', () => {
  expect(JSON.stringify(labelsOf(assigned, place))).not.toContain('hush')
})

test('labelsOf() refuses labels that look like its own', () => {
  const labels = { 'orchestrify.replica': 'other' }
  expect(() => labelsOf({ ...assigned, labels }, place)).toThrow(/"orchestrify.replica"/)
})

const damage = [
  { change: { 'orchestrify.node': 'n2' }, kind: 'foreign' },
  { change: { 'orchestrify.port': '0' }, kind: 'damaged' },
  { change: { 'orchestrify.port': '65536' }, kind: 'damaged' },
  { change: { 'orchestrify.assigned': '{' }, kind: 'damaged' },
  { change: { 'orchestrify.assigned': 'null' }, kind: 'damaged' },
  { change: { 'orchestrify.assigned': '{"replica":"r1"}' }, kind: 'damaged' },
  { change: { 'orchestrify.replica': 'r2' }, kind: 'damaged' },
  { change: { 'orchestrify.environment': '7' }, kind: 'ours' },
  { change: { 'orchestrify.epoch': '-1' }, kind: 'ours' },
]
test.each(damage)('originOf() is $kind when $change is there', ({ change, kind }) => {
  const labels = { ...labelsOf(assigned, place), ...change }
  expect(originOf(labels, carried(assigned), 'n1').kind).toBe(kind)
})

test('originOf() is foreign for a container without labels', () => {
  expect(originOf({}, [], 'n1')).toEqual({ kind: 'foreign' })
})

test('nameOf() is the same for a replica at any time', () => {
  const one = { ...assigned, replica: '0d0b6c9e-8f3a-4c7b-9d2e-000000000000' }
  expect(nameOf(one)).toBe('orchestrify-web-0d0b6c9e-8f3')
})
