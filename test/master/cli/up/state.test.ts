import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  claimState,
  readState,
  removeState,
  type UpState,
  writeState,
} from '../../../../master/cli/up/state.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-state-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const state: UpState = {
  version: 1,
  supervisor: { pid: 100, startedTicks: 5, bootId: 'b' },
  ready: false,
  startedAt: '2026-01-01T00:00:00.000Z',
  host: '127.0.0.1',
  master: 'http://127.0.0.1:18080',
  proxy: 'http://127.0.0.1:8080',
  children: [],
}

test('claimState() lets one of two begin', () => {
  expect(claimState(dir, state)).toBe(true)
  expect(claimState(dir, { ...state, ready: true })).toBe(false)
  expect(readState(dir)).toEqual(state)
})

test('writeState() replaces the note in one step and leaves no other file', () => {
  claimState(dir, state)
  writeState(dir, { ...state, ready: true })
  expect(readState(dir)?.ready).toBe(true)
  expect(readdirSync(dir)).toEqual(['up.json'])
  expect(statSync(join(dir, 'up.json')).mode & 0o777).toBe(0o600)
})

test('readState() finds nothing before the first and after the last', () => {
  expect(readState(dir)).toBeUndefined()
  claimState(dir, state)
  removeState(dir)
  expect(readState(dir)).toBeUndefined()
})

test.each(['', '{', '[]', '{"version":2}', '{"version":1,"supervisor":{"pid":1}}'])(
  'readState() refuses the damaged note <%s> with one sentence',
  (text) => {
    writeFileSync(join(dir, 'up.json'), text)
    expect(() => readState(dir)).toThrow(/^Cannot read .*up\.json: [^\n]+$/)
  },
)
