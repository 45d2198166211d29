import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseToCarrier, parseToParent } from '../../../proxy/parent/messages.ts'

const toParent = [
  { kind: 'hello' },
  { kind: 'bind', name: 'traffic', host: '::', port: 80, search: false },
  { kind: 'ready', processes: 2, stopGraceMs: 30_000 },
  { kind: 'serving' },
  { kind: 'told', told: { inFlight: { r1: 1 } }, measured: [1] },
  { kind: 'cannot' },
]
const toCarrier = [
  { kind: 'begin', slot: 2, succeeds: true },
  { kind: 'bound', name: 'traffic', port: 80 },
  { kind: 'unbound', name: 'traffic', code: 'EADDRINUSE' },
  { kind: 'unheld', name: 'traffic' },
  { kind: 'take', leavers: { '1.1': { inFlight: {} } } },
  { kind: 'carry-on', leavers: {} },
  { kind: 'leaver', id: '1.1', told: {}, measured: [] },
  { kind: 'gone', id: '1.1' },
  { kind: 'hand-over' },
  { kind: 'release' },
  { kind: 'stop' },
  { kind: 'note', message: 'carrier ended', fields: { pid: 1, reason: 'so' } },
]

test.each(toParent)('parseToParent() reads $kind, and ignores what it does not know', (message) => {
  expect(parseToParent({ ...message, later: 'more' })).toEqual(message)
})

test.each(toCarrier)(
  'parseToCarrier() reads $kind, and ignores what it does not know',
  (message) => {
    expect(parseToCarrier({ ...message, later: 'more' })).toEqual(message)
  },
)

test('neither end is disturbed by what another version says', () => {
  fc.assert(
    fc.property(fc.anything(), (raw) => {
      const kinds = [...toParent, ...toCarrier].map(({ kind }) => kind)
      for (const parsed of [parseToParent(raw), parseToCarrier(raw)]) {
        expect(parsed === undefined || kinds.includes(parsed.kind)).toBe(true)
      }
    }),
  )
})
