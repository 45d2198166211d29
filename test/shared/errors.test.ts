import { expect, test } from 'vitest'
import { conflict, invalid, notFound, sentenceOf } from '../../shared/errors.ts'

test('notFound(), invalid() and conflict() carry what HTTP and programs need', () => {
  expect(notFound('node', 'n1')).toMatchObject({
    ...{ status: 404, code: 'NOT_FOUND', message: 'Cannot find node "n1"', details: [] },
  })
  expect(invalid('Cannot apply "web"', ['min > max'])).toMatchObject({
    ...{ status: 422, code: 'VALIDATION_ERROR', details: ['min > max'] },
  })
  expect(conflict('Cannot remove "web": it is leaving')).toMatchObject({
    status: 409,
    code: 'CONFLICT',
  })
})

const thrown = [
  [new Error('a', { cause: new Error('b', { cause: 'c' }) }), 'a: b: c'],
  [new TypeError(''), 'TypeError'],
  ['text', 'text'],
  [undefined, 'undefined'],
] as const

test.each(thrown)('sentenceOf(%s) is one sentence', (error, sentence) => {
  expect(sentenceOf(error)).toBe(sentence)
})
