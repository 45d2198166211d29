import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEmbeddedStore } from '../../../master/store/embedded/embedded.ts'
import { type Head, type Snapshot, StoreUnavailable } from '../../../master/store/store.ts'
import { changesFrom } from './changes.ts'
import { compileStore } from './compiled.ts'
import { forEach } from './writing.ts'

const compiled = compileStore()
const { thread } = compiled

/** A log of 700 entries: some folded into the database, a snapshot at 400, the rest in the log. */
const HEAD: Head = { epoch: 2, revision: 700, oldest: 300 }
const SNAPSHOT: Snapshot = {
  revision: 400,
  chunks: Array.from({ length: 20 }, (_, at) => `chunk ${at} ${'s'.repeat(3_000)}`),
}
const DATABASE = 'state-1.db'
const LOG = 'state-1.db-wal'
const MARK = 'acknowledged'
const FLIPS = 120
const TRUNCATIONS = 40
const PAGE_BYTES = 4_096

describe('openEmbeddedStore() of a damaged directory', () => {
  let parent: string
  let sound: string
  let settled: string
  let older: string

  beforeAll(async () => {
    parent = mkdtempSync(join(tmpdir(), 'orchestrify-corruption-'))
    sound = join(parent, 'sound')
    settled = join(parent, 'settled')
    older = join(parent, 'older')
    await write()
  })
  afterAll(() => {
    rmSync(parent, { recursive: true })
    compiled.remove()
  })

  /** One copied while it is open, as a power cut would leave it, and one after it was closed. */
  async function write(): Promise<void> {
    const directory = join(parent, 'written')
    const store = await openEmbeddedStore(directory, { thread })
    await store.lead()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 300))
    await store.close()
    cpSync(directory, older, { recursive: true })
    const again = await openEmbeddedStore(directory, { thread })
    for (let revision = 300; revision < 700; revision += 4) {
      await again.append(epoch, revision, changesFrom(revision + 1, 4))
      if (revision === 500) await again.writeSnapshot(epoch, SNAPSHOT, 100)
    }
    cpSync(directory, sound, { recursive: true })
    await again.close()
    cpSync(directory, settled, { recursive: true })
  }

  /** Never a wrong answer: all of it, or a good beginning and a note of what is lost, or a refusal. */
  async function expectNoLie(
    name: string,
    damage: (directory: string) => void,
    from = sound,
  ): Promise<string> {
    const directory = join(parent, name)
    cpSync(from, directory, { recursive: true })
    damage(directory)
    const outcome = await openAndRead(directory, name)
    if (outcome !== 'refused')
      expect(await openAndRead(directory, `${name}, again`)).not.toBe('refused')
    rmSync(directory, { recursive: true })
    return outcome
  }

  async function openAndRead(directory: string, name: string): Promise<string> {
    const opened = await openEmbeddedStore(directory, { thread }).catch((error: unknown) => error)
    if (opened instanceof StoreUnavailable) {
      expect(opened.message, name).toMatch(/^Cannot open ".*": ./)
      return 'refused'
    }
    if (opened instanceof Error) throw opened
    const store = opened as Awaited<ReturnType<typeof openEmbeddedStore>>
    const head = await store.head()
    const entries = await store.readFrom(head.oldest, 10_000)
    const expected = changesFrom(head.oldest + 1, head.revision - head.oldest)
    expect(
      entries.map(({ change }) => change),
      name,
    ).toEqual(expected)
    const snapshot = await store.readSnapshot()
    if (head.oldest > 0) expect(snapshot, name).toBeDefined()
    if (snapshot !== undefined) expect(snapshot, name).toEqual(SNAPSHOT)
    expect((await store.lead()).epoch, name).toBeGreaterThan(HEAD.epoch)
    await store.close()
    if (!name.endsWith('again')) {
      expect(store.recovery?.dropped ?? 0, name).toBe(HEAD.revision - head.revision)
    }
    return store.recovery === undefined ? 'whole' : 'recovered'
  }

  test('is tried on a log that is whole', async () => {
    expect(statSync(join(sound, LOG)).size).toBeGreaterThan(100_000)
    expect(await expectNoLie('untouched', () => undefined)).toBe('whole')
  })

  const kinds = [
    { file: DATABASE, state: 'settled', flips: FLIPS * 2 },
    { file: DATABASE, state: 'open', flips: 40 },
    { file: LOG, state: 'open', flips: FLIPS },
    { file: MARK, state: 'open', flips: 20 },
  ] as const

  test.each(kinds)(
    'tells no lie after any of $flips flipped bits in the $state $file',
    async (row) => {
      const { file } = row
      const from = row.state === 'settled' ? settled : sound
      const outcomes = new Set<string>()
      await forEach(spread(statSync(join(from, file)).size, row.flips), 2, async (offset) => {
        const damage = (directory: string): void => flip(join(directory, file), offset)
        outcomes.add(await expectNoLie(`flip ${file} at ${offset}`, damage, from))
      })
      // What is damaged is noticed, unless it is of no account.
      if (row.flips >= FLIPS) expect(outcomes).toContain('recovered')
    },
    180_000,
  )

  test.each(kinds)(
    'tells no lie after the $state $file was cut short',
    async (row) => {
      const { file } = row
      const from = row.state === 'settled' ? settled : sound
      const { size } = statSync(join(from, file))
      await forEach(spread(size, TRUNCATIONS), 2, async (offset) => {
        const damage = (directory: string): void => truncateSync(join(directory, file), offset)
        await expectNoLie(`cut ${file} at ${offset}`, damage, from)
      })
    },
    180_000,
  )

  test.each(kinds.slice(0, 3))(
    'tells no lie after pages of the $state $file were zeroed',
    async (row) => {
      const { file } = row
      const from = row.state === 'settled' ? settled : sound
      const { size } = statSync(join(from, file))
      await forEach(spread(size, 20), 2, async (offset) => {
        const page = Math.floor(offset / PAGE_BYTES) * PAGE_BYTES
        const damage = (directory: string): void =>
          overwrite(join(directory, file), Buffer.alloc(PAGE_BYTES), page)
        await expectNoLie(`zero ${file} at ${offset}`, damage, from)
      })
    },
    180_000,
  )

  test('says what is lost when the log beside the database is gone', async () => {
    const outcome = await expectNoLie('no log', (directory) => rmSync(join(directory, LOG)))
    expect(outcome).toBe('recovered')
  })

  test('says what is lost when an older copy was put in its place', async () => {
    const directory = join(parent, 'swapped')
    cpSync(sound, directory, { recursive: true })
    rmSync(join(directory, LOG))
    cpSync(join(older, DATABASE), join(directory, DATABASE))
    const store = await openEmbeddedStore(directory, { thread })
    expect(store.recovery).toEqual({
      dropped: 400,
      revision: 300,
      sentence: 'The log was cut short: 400 acknowledged changes after revision 300 are lost',
    })
    await store.close()
  })

  test('refuses when the database is gone, whatever else is there', async () => {
    expect(await expectNoLie('no database', (at) => rmSync(join(at, DATABASE)))).toBe('refused')
    const bare = await expectNoLie('no database, no mark', (directory) => {
      rmSync(join(directory, DATABASE))
      rmSync(join(directory, MARK))
    })
    expect(bare).toBe('refused')
  })

  test('goes on without its mark', async () => {
    expect(await expectNoLie('no mark', (at) => rmSync(join(at, MARK)))).toBe('whole')
  })
})

/** Places all over a file, half of them where it says what the rest means: its first page. */
function spread(size: number, count: number): readonly number[] {
  const quarter = Math.floor(count / 4)
  const places = (from: number, to: number, number: number): number[] =>
    Array.from({ length: number }, (_, at) => Math.floor(from + (at * (to - from)) / number))
  const offsets = [
    ...places(0, 100, quarter),
    ...places(2_500, PAGE_BYTES, quarter),
    ...places(0, size, count - 2 * quarter),
  ]
  return [...new Set(offsets.filter((offset) => offset < size))]
}

function flip(path: string, offset: number): void {
  const file = openSync(path, 'r')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, offset)
  closeSync(file)
  overwrite(
    path,
    Buffer.of(byte.readUInt8(0) ^ (offset % 3 === 0 ? 0x80 : 1 << (offset % 7))),
    offset,
  )
  expect(readFileSync(path)[offset]).not.toBe(byte.readUInt8(0))
}

function overwrite(path: string, bytes: Buffer, offset: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, offset)
  closeSync(file)
}
