import { expect, test } from 'vitest'
import { allCases } from './cases/all-cases.ts'
import { readRequest } from './support/strict-requests.ts'
import { readResponses } from './support/strict-responses.ts'

const HEAD = 'POST /x HTTP/1.1\r\nHost: t\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`

test.each([
  ['a bare LF', 'GET / HTTP/1.1\nHost: t\r\n\r\n'],
  ['a bare CR', 'GET / HTTP/1.1\r\nHost: t\r\nA: b\rc\r\n\r\n'],
  ['two blanks', 'GET  / HTTP/1.1\r\nHost: t\r\n\r\n'],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: t\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n'],
  ['a fold', 'GET / HTTP/1.1\r\nHost: t\r\nA: b\r\n c\r\n\r\n'],
  ['a blank before a colon', 'GET / HTTP/1.1\r\nHost : t\r\n\r\n'],
  ['a NUL', 'GET / HTTP/1.1\r\nHost: t\r\nA: \0\r\n\r\n'],
  ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`],
  ['both framings', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['a length with a zero before it', `${HEAD}Content-Length: 01\r\n\r\na`],
  ['a coding that is not chunked', `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  ['a chunk extension', `${CHUNKED}1;a=b\r\nx\r\n0\r\n\r\n`],
  ['a blank behind a chunk size', `${CHUNKED}1 \r\nx\r\n0\r\n\r\n`],
  ['chunk data that are too long', `${CHUNKED}1\r\nxy\r\n0\r\n\r\n`],
  ['a trailer that is none', `${CHUNKED}0\r\nnone\r\n\r\n`],
])('readRequest() calls %s dirty', (_, text) => {
  expect(readRequest(text, 0).kind).toBe('dirty')
})

test('readRequest() reads one request after the other', () => {
  const first = `${CHUNKED}2\r\nab\r\n0\r\nX-T: 1\r\n\r\n`
  const text = `${first}${HEAD}Content-Length: 3\r\n\r\ncde`
  const one = readRequest(text, 0)
  expect(one).toMatchObject({ kind: 'read', end: first.length, value: { body: 'ab' } })
  const two = readRequest(text, first.length)
  expect(two).toMatchObject({ kind: 'read', end: text.length, value: { body: 'cde' } })
})

test('readRequest() waits for what is missing at every byte', () => {
  const text = `${CHUNKED}2\r\nab\r\n0\r\nX-T: 1\r\n\r\n`
  for (let end = 0; end < text.length; end += 1) {
    expect(readRequest(text.slice(0, end), 0).kind).toBe('partial')
  }
})

test('readResponses() tells whole answers from one that is cut', () => {
  const text =
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno'
  const heard = readResponses(text, ['GET', 'GET'], true)
  expect(heard.answers.map(({ body }) => body)).toEqual(['ok'])
  expect(heard.begun?.body).toBe('no')
})

test('the suite has at least 250 cases, each with a name of its own', () => {
  const names = new Set(allCases.map(({ name }) => name))
  expect(names.size).toBe(allCases.length)
  expect(names.size).toBeGreaterThanOrEqual(250)
})
