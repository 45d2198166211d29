import { expect, test } from 'vitest'
import { assignmentsOf } from '../../../master/decide/assignments.ts'
import { assignedReplicaSchema } from '../../../shared/protocol.ts'
import { added, applied, desiredWith, specNamed } from '../../support/worlds.ts'

const images = [
  { image: 'web', registry: undefined, runs: 'web:latest' },
  { image: 'team/web:1', registry: undefined, runs: 'team/web:1' },
  { image: 'web', registry: 'reg:5000', runs: 'reg:5000/web:latest' },
  { image: 'web:1', registry: 'reg:5000/team', runs: 'reg:5000/team/web:1' },
  { image: 'other:5000/web:1', registry: 'reg:5000', runs: 'other:5000/web:1' },
] as const
test.each(images)('assignmentsOf() runs $image as $runs with the registry $registry', (row) => {
  const web = applied(specNamed('web', { image: row.image }))
  const desired = desiredWith([web, added('r1', 'web', { node: 'n1' })])
  expect(assignmentsOf(desired, 'n1', row.registry)).toMatchObject([{ image: row.runs }])
  expect(desired.serviceNamed('web')?.spec.image).toBe(row.image)
})

test('assignmentsOf() tells a worker all that its container needs', () => {
  const container = {
    ...{ image: 'web:1', networks: ['front'], labels: { team: 'shop' }, user: '1000' },
    volumes: [{ volume: 'data', path: '/x', readOnly: true }],
    ...{ init: false, pull: 'always' as const },
  }
  const desired = desiredWith([
    applied(specNamed('web', container)),
    added('r1', 'web', { node: 'n1' }),
  ])
  const [assigned] = assignmentsOf(desired, 'n1')
  expect(assigned).toMatchObject({ ...container, resources: { pidsMax: 1_000 } })
  expect(assignedReplicaSchema.parse(assigned)).toEqual(assigned)
})
