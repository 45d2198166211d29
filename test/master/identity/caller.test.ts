import type { ConnectionOptions } from 'node:tls'
import { expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { createCertificateRequest } from '../../../shared/credential.ts'
import { formatToken } from '../../../shared/token.ts'
import { createAuthority, issue, provenPublicKey } from '../../../shared/x509.ts'
import {
  bearer,
  callerOf,
  DAY_MS,
  identity,
  member,
  readAuthorityKey,
  revoked,
  serve,
  trusting,
} from '../control-fixture.ts'

test('createCallerOf() knows a node and a proxy by their certificates', async () => {
  const { port } = await serve()
  for (const role of ['node', 'proxy'] as const) {
    const tls = await member(role, `${role}-1`)
    const caller = await callerOf(port, { tls })
    expect(caller).toEqual({ address: '127.0.0.1', role, subject: `${role}-1` })
  }
})

test('createCallerOf() knows tokens over TLS, and nobody by a wrong one', async () => {
  const { port } = await serve()
  const admin = formatToken(identity.tokens.admin)
  const join = formatToken(identity.tokens.join)
  const rows: readonly (readonly [string, ConnectionOptions | undefined, string])[] = [
    [admin, trusting(), 'admin'],
    [join, trusting(), 'join'],
    [admin.slice(0, -1), trusting(), 'none'],
    [`${join}x`, trusting(), 'none'],
    ['', trusting(), 'none'],
    [admin, undefined, 'admin'],
    [join, undefined, 'admin'],
    ['wrong', undefined, 'none'],
  ]
  for (const [token, tls, role] of rows) {
    const asked = { headers: bearer(token), ...(tls === undefined ? {} : { tls }) }
    expect(await callerOf(port, asked)).toMatchObject({ role })
  }
})

test('createCallerOf() refuses a removed node at its next request', async () => {
  const { port } = await serve()
  const tls = await member('node', 'n9')
  expect(await callerOf(port, { tls })).toMatchObject({ role: 'node' })
  revoked.add('n9')
  expect(await callerOf(port, { tls })).toEqual({ code: 'GONE' })
  // A token beside it would make the removed node a new one.
  const headers = bearer(formatToken(identity.tokens.join))
  expect(await callerOf(port, { tls, headers })).toEqual({ code: 'GONE' })
})

test('createCallerOf() takes nobody for a member by a foreign, expired or misused certificate', async () => {
  const { port } = await serve()
  const nowMs = systemClock.nowMs()
  const foreign = await createAuthority('orchestrify CA', {
    fromMs: nowMs - DAY_MS,
    untilMs: nowMs + DAY_MS,
  })
  const { key, request } = await createCertificateRequest()
  const publicKey = (await provenPublicKey(request)) ?? ''
  const text = { name: 'n1', unit: 'node', use: 'client', publicKey } as const
  const validity = { fromMs: nowMs - DAY_MS, untilMs: nowMs + DAY_MS }
  const own = { key: await readAuthorityKey(), certificate: identity.ca }
  const certificates = [
    await issue(foreign, { ...text, validity }),
    await issue(own, {
      ...text,
      validity: { fromMs: nowMs - 2 * DAY_MS, untilMs: nowMs - DAY_MS },
    }),
    await issue(own, {
      ...text,
      validity: { fromMs: nowMs + DAY_MS, untilMs: nowMs + 2 * DAY_MS },
    }),
    await issue(own, { ...text, unit: 'master', validity }),
    await issue(own, { ...text, use: 'server', validity }),
  ]
  for (const cert of certificates) {
    const caller = await callerOf(port, { tls: { ...trusting(), key, cert } })
    expect(caller).toEqual({ address: '127.0.0.1', role: 'none' })
  }
  const good = await issue(own, { ...text, validity })
  expect(await callerOf(port, { tls: { ...trusting(), key, cert: good } })).toMatchObject({
    role: 'node',
  })
})
