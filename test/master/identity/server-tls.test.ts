import { expect, test } from 'vitest'
import { issueServerTls, keepServerTlsFresh } from '../../../master/identity/server-tls.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { DAY_MS, identity, readAuthorityKey } from '../control-fixture.ts'

test('keepServerTlsFresh() renews when a third of the life is left, again and again', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const authority = { key: await readAuthorityKey(), certificate: identity.ca }
  const applied: number[] = []
  const ended = new AbortController()
  const done = keepServerTlsFresh(
    {
      current: await issueServerTls(authority, clock.nowMs()),
      issue: () => issueServerTls(authority, clock.nowMs()),
      apply: () => applied.push(clock.nowMs()),
      report: (error) => expect.fail(error.message),
      clock,
    },
    ended.signal,
  )
  await until(() => clock.sleeping === 1)
  await clock.advance(59 * DAY_MS)
  expect(applied).toHaveLength(0)
  for (const times of [1, 2]) {
    await clock.advance(2 * DAY_MS)
    await until(() => applied.length === times && clock.sleeping === 1)
    await clock.advance(58.5 * DAY_MS)
    expect(applied).toHaveLength(times)
  }
  ended.abort()
  await done
})

test('keepServerTlsFresh() tells of a renewal that failed and tries again', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const authority = { key: await readAuthorityKey(), certificate: identity.ca }
  const told: string[] = []
  const ended = new AbortController()
  const done = keepServerTlsFresh(
    {
      current: await issueServerTls(authority, clock.nowMs()),
      issue: () => Promise.reject(new Error('no entropy')),
      apply: () => expect.fail('nothing was issued'),
      report: (error) => told.push(error.message),
      clock,
    },
    ended.signal,
  )
  await until(() => clock.sleeping === 1)
  await clock.advance(61 * DAY_MS)
  await until(() => told.length > 0 && clock.sleeping === 1)
  const before = told.length
  await clock.advance(DAY_MS)
  await until(() => told.length > before)
  ended.abort()
  await done
})
