import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shownDefault } from '../../shared/config-docs.ts'
import { duration, flag, inSeconds, number, parseDuration, port, text } from '../../shared/knob.ts'

const durations = [
  ['500ms', 500],
  ['5s', 5_000],
  ['1.5s', 1_500],
  ['2m', 120_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['0', 0],
  [' 10 ', 10],
  [250, 250],
] as const

test.each(durations)('parseDuration() reads %j as %d ms', (raw, ms) => {
  expect(parseDuration(raw)).toBe(ms)
})

const nonsense = ['', ' ', '5', '-5s', '5 s', '5w', '1e3', 's', '5s5s', 'NaN', '٣s']
const notText = [-1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, ['5s'], {}]

test.each([...nonsense.filter((raw) => raw !== '5'), ...notText])(
  'parseDuration() refuses %j',
  (raw) => {
    expect(() => parseDuration(raw)).toThrow('expected a duration like 500ms, 5s, 2m or 24h')
  },
)

test('parseDuration() reads back what shownDefault() shows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (ms) => {
      const knob = duration({ flag: 'x', fallback: ms, meaning: 'X.' })
      expect(knob.parse(shownDefault(knob))).toBe(ms)
    }),
  )
})

test('duration() refuses what is out of its range', () => {
  const knob = duration({ flag: 'x', fallback: 1_000, meaning: 'X.' }, { minMs: 100, maxMs: 5_000 })
  expect(knob.parse('100ms')).toBe(100)
  expect(() => knob.parse('99ms')).toThrow('expected 100ms to 5000ms')
  expect(() => knob.parse('6s')).toThrow('expected 100ms to 5000ms')
  const free = duration({ flag: 'x', fallback: 0, meaning: 'X.' })
  expect(() => free.parse('99999d')).toThrow('expected 0ms to')
})

test('number() takes nothing that is out of its range, whatever it is given', () => {
  const knob = number({ min: 1, max: 9 }, { flag: 'x', fallback: 1, meaning: 'X.' })
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.double().map(String), fc.string()), (raw) => {
      try {
        const value = knob.parse(raw)
        expect(Number.isInteger(value) && value >= 1 && value <= 9).toBe(true)
      } catch (error) {
        expect((error as Error).message).toMatch(/^expected /)
      }
    }),
  )
})

test('flag() reads the usual words of yes and no', () => {
  const knob = flag({ flag: 'x', fallback: false, meaning: 'X.' })
  for (const yes of [true, 'true', 'TRUE', '1', 'yes', 'on']) expect(knob.parse(yes)).toBe(true)
  for (const no of [false, 'false', 'False', '0', 'no', 'off']) expect(knob.parse(no)).toBe(false)
  for (const raw of ['', 'y', null, undefined, {}]) {
    expect(() => knob.parse(raw)).toThrow('expected true or false')
  }
})

test('a knob derives its variable and its key from its flag', () => {
  const knob = port({ flag: 'admin-port', fallback: 8081, meaning: 'X.' })
  expect(knob).toMatchObject({ env: 'ORCHESTRIFY_ADMIN_PORT', key: 'admin-port' })
  const named = text({ flag: 'log', env: 'LOG', fallback: 'a', meaning: 'X.' })
  expect(named.env).toBe('LOG')
})

test('inSeconds() means bare numbers only', () => {
  const { convert } = inSeconds('x')
  expect([convert?.(30), convert?.('30ms')]).toEqual(['30s', '30ms'])
})
