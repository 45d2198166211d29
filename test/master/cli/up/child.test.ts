import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { boundLog, type Exit, keepRunning, lastWords } from '../../../../master/cli/up/child.ts'
import type { ChildPlan } from '../../../../master/cli/up/plan.ts'
import type { Clock } from '../../../../shared/clock.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-child-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function planOf(role: ChildPlan['role'], code: string): ChildPlan {
  return { role, name: role, argv: ['-e', code], log: join(dir, 'logs', `${role}.log`) }
}

/** Time in which waiting costs nothing. */
const instant: Clock = { nowMs: () => 0, sleep: () => Promise.resolve() }

test('keepRunning() starts a crashed program again, waiting longer each time', async () => {
  const stop = new AbortController()
  const waits: (number | undefined)[] = []
  const watch = {
    started: () => undefined,
    ended: (exit: Exit, waitMs: number | undefined) => {
      expect(exit).toEqual({ code: 3, reason: 'exited with code 3' })
      waits.push(waitMs)
      if (waits.length === 7) stop.abort()
    },
  }
  await keepRunning(planOf('master', 'process.exit(3)'), watch, instant, stop.signal)
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('keepRunning() lets a worker go whose node was removed', async () => {
  const ends: (number | undefined)[] = []
  const watch = {
    started: () => undefined,
    ended: (_: Exit, waitMs: number | undefined) => ends.push(waitMs),
  }
  const never = new AbortController().signal
  await keepRunning(planOf('worker', ''), watch, instant, never)
  expect(ends).toEqual([undefined])
})

test.each([
  { log: '', words: undefined },
  {
    log: 'one\nCannot listen on 127.0.0.1:1: the port is in use\n',
    words: 'Cannot listen on 127.0.0.1:1: the port is in use',
  },
  { log: '{"level":"error","message":"it \\"broke\\"","x":1}\n', words: 'it "broke"' },
  {
    log: 'file:///x.js:1\n  x\n  ^\n\nTypeError: x is not a function\n    at y (z)\n\nNode.js v20.20.2\n',
    words: 'TypeError: x is not a function',
  },
])('lastWords() finds <$words>', ({ log, words }) => {
  writeFileSync(join(dir, 'a.log'), log)
  expect(lastWords(join(dir, 'a.log'))).toBe(words)
})

test('lastWords() knows nothing of a program that said nothing', () => {
  expect(lastWords(join(dir, 'none.log'))).toBeUndefined()
})

test('boundLog() keeps the last stretch of a log that has grown too long', () => {
  const path = join(dir, 'a.log')
  writeFileSync(path, 'x'.repeat(100))
  boundLog(path, 100)
  expect(readFileSync(path, 'utf8')).toHaveLength(100)
  boundLog(path, 99)
  expect(readFileSync(path, 'utf8')).toBe('')
  expect(readFileSync(`${path}.1`, 'utf8')).toHaveLength(100)
})
