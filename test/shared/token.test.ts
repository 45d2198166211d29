import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createToken, formatToken, isSameSecret, parseToken } from '../../shared/token.ts'

const fingerprint = 'f'.repeat(43)

test('parseToken() reads what formatToken() wrote', () => {
  for (const kind of ['admin', 'join'] as const) {
    const token = createToken(kind, fingerprint)
    expect(parseToken(`${formatToken(token)}\n`)).toEqual(token)
    expect(Buffer.from(token.secret, 'base64url').length).toBeGreaterThanOrEqual(16)
  }
})

test('createToken() never makes the same secret twice', () => {
  const secrets = Array.from({ length: 100 }, () => createToken('join', fingerprint).secret)
  expect(new Set(secrets).size).toBe(100)
})

test('parseToken() refuses everything else without repeating it', () => {
  const good = formatToken(createToken('join', fingerprint))
  const bad = ['', 'x', good.slice(1), good.slice(0, -1), `${good}.x`, good.replace('.j.', '.z.')]
  for (const text of bad) {
    const error = ((): unknown => {
      try {
        return parseToken(text)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(String(error)).toContain('Cannot use the token')
    expect(String(error)).not.toContain(good.slice(50))
  }
})

test('parseToken() refuses any text that is not a token', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseToken(text)).toThrow('Cannot use')
    }),
  )
})

test('isSameSecret() is equality for any two texts', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(isSameSecret(a, b)).toBe(a === b)
      expect(isSameSecret(a, a)).toBe(true)
    }),
  )
})
