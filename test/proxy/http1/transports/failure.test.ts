import { expect, test } from 'vitest'
import { failureOf, failureOfErrno, isCut } from '../../../../proxy/http1/transports/failure.ts'
import { remoteAddressOf } from '../../../../proxy/http1/transports/remote-address.ts'

const failures = [
  { errno: -104, code: 'ECONNRESET', reason: 'the connection was cut' },
  { errno: -32, code: 'EPIPE', reason: 'the connection was cut' },
  { errno: -110, code: 'ETIMEDOUT', reason: 'the other side fell silent' },
  { errno: -111, code: 'ECONNREFUSED', reason: 'the connection was refused' },
  { errno: -113, code: 'EHOSTUNREACH', reason: 'there is no way to that host' },
]
test.each(failures)('failureOf() and failureOfErrno() say "$reason" of $code', (row) => {
  expect(failureOf(Object.assign(new Error('failed'), { code: row.code }))).toBe(row.reason)
  expect(failureOfErrno(row.errno)).toBe(row.reason)
})

test('failureOfErrno() names what has no sentence of its own', () => {
  expect(failureOfErrno(-105)).toBe('the connection failed with ENOBUFS')
})

test('isCut() tells what the other side did from what went wrong here', () => {
  expect([-104, -32, -105, -110].map(isCut)).toEqual([true, true, false, false])
})

const addresses = [
  { remoteAddress: '10.1.2.3', shown: '10.1.2.3' },
  { remoteAddress: '::ffff:10.1.2.3', shown: '10.1.2.3' },
  { remoteAddress: 'fe80::1', shown: 'fe80::1' },
  { remoteAddress: '::ffff:0:1', shown: '::ffff:0:1' },
  { remoteAddress: undefined, shown: '' },
]
test.each(addresses)('remoteAddressOf() shows $remoteAddress as "$shown"', (row) => {
  expect(remoteAddressOf({ remoteAddress: row.remoteAddress })).toBe(row.shown)
})
