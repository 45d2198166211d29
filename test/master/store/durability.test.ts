import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compileStore } from './compiled.ts'
import { findLog, forEach, runWriter } from './writing.ts'

const compiled = compileStore()
afterAll(() => compiled.remove())

/** The syncs at which it is killed: all of the opening, and far beyond the first checkpoint. */
const CRASH_POINTS = Array.from({ length: 200 }, (_, at) => at + 1)
const RANDOM_KILLS = 50
const KILLS_PER_LOG = 5
const SYNCS = 'fdatasync,fsync'

describe('append() of the embedded store', () => {
  let parent: string
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'orchestrify-durability-'))
  })
  afterEach(() => rmSync(parent, { recursive: true }))

  test('finds strace on this machine', () => {
    expect(spawnSync('strace', ['-V']).status).toBe(0)
  })

  test('acknowledges only after the log was synced, also after it was opened again', async () => {
    const directory = join(parent, 'store')
    for (const round of [1, 2]) {
      const trace = join(parent, `trace-${round}`)
      const strace = ['-f', '-qq', '-y', '-o', trace, '-e', `trace=${SYNCS},write`]
      const ran = await runWriter(compiled, { directory, count: 500, strace })
      expect(ran.acknowledged).toBe(500 * round)
      expect(unsyncedAcknowledgements(readFileSync(trace, 'latin1'))).toEqual([])
    }
  })

  test('syncs once for many appends that wait together', async () => {
    const directory = join(parent, 'store')
    const trace = join(parent, 'trace')
    const strace = ['-f', '-qq', '-y', '-o', trace, '-e', `trace=${SYNCS},write`]
    const ran = await runWriter(compiled, { directory, count: 1_000, inFlight: 100, strace })
    expect(ran.acknowledged).toBe(1_000)
    const syncs = readFileSync(trace, 'latin1').split('\n').filter(endsLogSync)
    expect(syncs.length).toBeLessThan(500)
  })

  test('loses nothing acknowledged when it is killed at any of its syncs', async () => {
    await forEach(CRASH_POINTS, 2, async (point) => {
      const directory = join(parent, `at-${point}`)
      const inject = `inject=${SYNCS}:signal=KILL:when=${point}`
      const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${SYNCS}`, '-e', inject]
      const ran = await runWriter(compiled, { directory, count: 250, strace })
      expect(ran.lines, `killed at sync ${point}`).not.toContain('closed')
      const { head, recovery } = await findLog(compiled, directory)
      expect(recovery, `killed at sync ${point}`).toBeUndefined()
      // The append in flight may be there or not; nobody was told.
      expect(head.revision - ran.acknowledged, `killed at sync ${point}`).toBeOneOf([0, 1])
    })
  }, 300_000)

  test('loses nothing acknowledged when it is killed at any moment', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    console.log(`random kills with seed ${seed}`)
    const random = randomFrom(seed)
    let known = 0
    for (let kill = 0; kill < RANDOM_KILLS; kill += 1) {
      const directory = join(parent, `store-${Math.floor(kill / KILLS_PER_LOG)}`)
      if (kill % KILLS_PER_LOG === 0) known = 0
      let linesLeft = Math.floor(random() * 300)
      const onLine: Parameters<typeof runWriter>[1]['onLine'] = (_, child) => {
        linesLeft -= 1
        if (linesLeft < 0) child.kill('SIGKILL')
      }
      const ran = await runWriter(compiled, { directory, count: 5_000, inFlight: 8, onLine })
      expect(ran.signal).toBe('SIGKILL')
      const { head, recovery } = await findLog(compiled, directory)
      known = Math.max(known, ran.acknowledged)
      expect(recovery, `seed ${seed}, kill ${kill}`).toBeUndefined()
      expect(head.revision, `seed ${seed}, kill ${kill}`).toBeGreaterThanOrEqual(known)
      known = head.revision
    }
  })

  test.each([
    { failure: 'EIO', call: SYNCS, when: '30..33', code: 'STORE_FAILED' },
    { failure: 'EIO', call: 'pwrite64', when: '400..403', code: 'STORE_FAILED' },
    { failure: 'ENOSPC', call: 'pwrite64', when: '100..110', code: 'STORE_FULL' },
    { failure: 'EDQUOT', call: SYNCS, when: '60+7', code: 'STORE_FAILED' },
  ])('rejects with $code while $call fails with $failure, then goes on', async (row) => {
    const directory = join(parent, 'store')
    const inject = `inject=${row.call}:error=${row.failure}:when=${row.when}`
    const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${row.call}`, '-e', inject]
    const ran = await runWriter(compiled, { directory, count: 200, strace })
    expect(ran.lines).toContain(`rejected ${row.code}`)
    expect(ran.lines.at(-1)).toBe('closed')
    expect(ran.acknowledged).toBe(200)
    // Nothing that was rejected is found, and nothing acknowledged twice.
    const acknowledged = ran.lines.filter((line) => line.startsWith('acknowledged'))
    expect(acknowledged).toEqual(Array.from({ length: 200 }, (_, at) => `acknowledged ${at + 1}`))
    const { head, recovery } = await findLog(compiled, directory)
    expect(recovery).toBeUndefined()
    expect(head.revision).toBe(200)
  })
})

/** The acknowledgements before which no sync of the log was finished since the one before. */
function unsyncedAcknowledgements(trace: string): readonly string[] {
  const unsynced: string[] = []
  let synced = false
  for (const line of trace.split('\n')) {
    if (endsLogSync(line)) synced = true
    if (!/write\(1<.*"acknowledged /.test(line)) continue
    if (!synced) unsynced.push(line)
    synced = false
  }
  return unsynced
}

/** A call that another thread interrupted ends in a line of its own, without its arguments. */
function endsLogSync(line: string): boolean {
  return (
    /f(data)?sync\(\d+<[^>]*-wal>\)\s+= 0/.test(line) ||
    /<\.\.\. f(data)?sync resumed>\)\s+= 0/.test(line)
  )
}

/** mulberry32: small, and the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
