import { afterEach, expect, test } from 'vitest'
import { type Headers, heard } from '../support/heard.ts'
import { closeAll, echoUpstream, onEachTransport, startRig } from '../support/rig.ts'

afterEach(closeAll)

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${SPAN}-01`
const STARTED = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/
const DRAWN = /^[0-9a-f]{32}$/

onEachTransport(() => {
  test.each([
    { what: 'a short one', id: 'a' },
    { what: 'one with signs', id: 'req/1:2=3;"x"~!' },
    { what: 'the longest one', id: 'x'.repeat(128) },
  ])('the engine keeps a request id: $what', async ({ id }) => {
    expect((await heard([`X-Request-Id: ${id}`]))['x-request-id']).toBe(id)
  })

  test.each([
    { what: 'none', lines: [] },
    { what: 'an empty one', lines: ['X-Request-Id:'] },
    { what: 'one with a space', lines: ['X-Request-Id: a b'] },
    { what: 'one beyond ASCII', lines: ['X-Request-Id: \xe9'] },
    { what: 'too long a one', lines: [`X-Request-Id: ${'x'.repeat(129)}`] },
    { what: 'two', lines: ['X-Request-Id: a', 'X-Request-Id: b'] },
    { what: 'the same one twice', lines: ['X-Request-Id: a', 'x-request-id: a'] },
  ])('the engine draws a request id where there is $what', async ({ lines }) => {
    expect((await heard(lines))['x-request-id']).toMatch(DRAWN)
  })

  test('the engine draws another request id and another trace for each request', async () => {
    const { url } = await startRig({ web: [await echoUpstream()] })
    const ids = new Set<string | undefined>()
    for (let round = 0; round < 20; round += 1) {
      const { headers } = (await (await fetch(`${url}/s/web`)).json()) as { headers: Headers }
      ids.add(headers['x-request-id']).add(headers.traceparent)
    }
    expect(ids.size).toBe(40)
  })

  test('the engine keeps a valid trace, with all that its senders noted', async () => {
    const lines = [`Traceparent: ${VALID}`, 'tracestate: a=1', 'Tracestate: b=2,c=3']
    expect(await heard(lines)).toMatchObject({ traceparent: VALID, tracestate: 'a=1, b=2,c=3' })
  })

  test.each(['', '-what-is-new'])(
    'the engine keeps a trace of a later version: %s',
    async (more) => {
      const later = `01-${TRACE}-${SPAN}-03${more}`
      const lines = [`traceparent: ${later}`, 'tracestate: a=1']
      expect(await heard(lines)).toMatchObject({ traceparent: later, tracestate: 'a=1' })
    },
  )

  test.each([
    { what: 'nothing', lines: [] },
    { what: 'an empty trace', lines: ['traceparent:'] },
    { what: 'capital letters', lines: [`traceparent: ${VALID.toUpperCase()}`] },
    { what: 'a trace of zeros', lines: [`traceparent: 00-${'0'.repeat(32)}-${SPAN}-01`] },
    { what: 'a span of zeros', lines: [`traceparent: 00-${TRACE}-${'0'.repeat(16)}-01`] },
    { what: 'the forbidden version', lines: [`traceparent: ff-${TRACE}-${SPAN}-01`] },
    { what: 'too short a trace', lines: [`traceparent: 00-${TRACE.slice(1)}-${SPAN}-01`] },
    { what: 'more than there may be', lines: [`traceparent: ${VALID}-00`] },
    { what: 'two traces', lines: [`traceparent: ${VALID}`, `traceparent: ${VALID}`] },
  ])('the engine starts a trace where there is $what, and drops notes', async ({ lines }) => {
    const headers = await heard([...lines, 'tracestate: a=1'])
    expect(headers.traceparent).toMatch(STARTED)
    expect(headers.traceparent).not.toContain(TRACE)
    expect(headers).not.toHaveProperty('tracestate')
  })

  test('the engine starts no trace where it is not to, but keeps those that come', async () => {
    const flags = ['--no-start-traces']
    const without = await heard(['traceparent: odd', 'tracestate: a=1'], flags)
    expect(without).not.toHaveProperty('traceparent')
    expect(without).not.toHaveProperty('tracestate')
    expect(without['x-request-id']).toMatch(DRAWN)
    expect((await heard([`traceparent: ${VALID}`], flags)).traceparent).toBe(VALID)
  })
})
