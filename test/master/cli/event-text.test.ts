import { expect, test } from 'vitest'
import { EventText } from '../../../master/cli/event-text.ts'
import type { Change } from '../../../shared/change.ts'
import { nodeNamed, specNamed } from '../../support/worlds.ts'

const fact = { atMs: 0, actor: 'master', reason: 'because' }
const spec = specNamed('web')
const replica = { id: '11111111-aaaa', service: 's1', revision: 1, createdAtMs: 0, node: 'n1' }

function told(): EventText {
  const text = new EventText()
  text.sentence({ kind: 'node-joined', node: nodeNamed('n1', { name: 'alpha' }), ...fact })
  text.sentence({ kind: 'service-applied', service: 's1', spec, revision: 1, replicas: 2, ...fact })
  text.sentence({ kind: 'replica-added', replica, ...fact })
  return text
}

const cases: readonly { change: Change; says: string }[] = [
  {
    change: { kind: 'service-scaled', service: 's1', replicas: 3, ...fact },
    says: 'web goes from 2 to 3 replicas: because',
  },
  {
    change: { kind: 'replica-assigned', replica: replica.id, node: 'n1', ...fact },
    says: 'web/11111111 is placed on alpha: because',
  },
  {
    change: {
      kind: 'replica-phase',
      replica: replica.id,
      phase: 'serving',
      ...fact,
      reason: 'serving on alpha',
    },
    says: 'web/11111111 is serving on alpha',
  },
  {
    change: { kind: 'node-condition', node: 'n1', condition: 'lost', ...fact },
    says: 'node alpha is lost: because',
  },
  {
    change: { kind: 'replica-removed', replica: 'unknown-replica', ...fact },
    says: 'replica unknown- is removed: because',
  },
  {
    change: { kind: 'service-removed', service: 'other-service', ...fact },
    says: 'other-se is gone: because',
  },
]

test.each(cases)('EventText says "$says"', ({ change, says }) => {
  expect(told().sentence(change)).toBe(says)
})
