import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedStore, openEmbeddedStore } from '../../../master/store/embedded/embedded.ts'
import { changeNumber, changesFrom } from './changes.ts'
import { compileStore } from './compiled.ts'
import { storeConformance } from './conformance.ts'

const compiled = compileStore()
const { thread } = compiled
afterAll(() => compiled.remove())

storeConformance('embedded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrify-embedded-'))
  const store = await openEmbeddedStore(directory, { thread })
  const dispose = async (): Promise<void> => {
    await store.close()
    rmSync(directory, { recursive: true })
  }
  return { store, dispose }
})

describe('openEmbeddedStore()', () => {
  let parent: string
  let directory: string
  const opened: EmbeddedStore[] = []

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'orchestrify-embedded-'))
    directory = join(parent, 'data', 'store')
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()))
    rmSync(parent, { recursive: true })
  })

  async function open(): Promise<EmbeddedStore> {
    const store = await openEmbeddedStore(directory, { thread })
    opened.push(store)
    return store
  }

  test('finds everything again after a close', async () => {
    const first = await open()
    const { epoch } = await first.lead()
    await first.append(epoch, 0, changesFrom(1, 1_500))
    await first.writeSnapshot(epoch, { revision: 1_000, chunks: ['a', 'b'] }, 100)
    const head = await first.head()
    await first.close()
    const second = await open()
    expect(second.recovery).toBeUndefined()
    expect(await second.head()).toEqual(head)
    expect(await second.readSnapshot()).toEqual({ revision: 1_000, chunks: ['a', 'b'] })
    expect((await second.readFrom(900, 1_000)).map(({ change }) => change)).toEqual(
      changesFrom(901, 600),
    )
    expect((await second.lead()).epoch).toBe(epoch + 1)
  })

  test('creates a directory and files that nobody else can read', async () => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, [changeNumber(1)])
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    const files = readdirSync(directory)
    expect(files).toContain('state-1.db-wal')
    for (const file of files) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
  })

  test('refuses a directory that another master uses, and says which', async () => {
    const store = await open()
    const second = openEmbeddedStore(directory, { thread })
    await expect(second).rejects.toThrow(
      `Cannot open "${directory}": the master with process id ${process.pid} uses it`,
    )
    await expect(second).rejects.toMatchObject({ name: 'StoreUnavailable', code: 'STORE_REFUSED' })
    const { epoch } = await store.lead()
    await expect(store.append(epoch, 0, [changeNumber(1)])).resolves.toBe(1)
    await expect(openEmbeddedStore(directory, { thread })).rejects.toThrow('uses it')
  })

  test('lets only one of many masters in at the same moment', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => open()))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('refuses what a newer version wrote', async () => {
    await (await open()).close()
    alter('PRAGMA user_version = 7')
    await expect(open()).rejects.toThrow(
      `Cannot open "${directory}": its database has version 7, this program knows version 1`,
    )
  })

  test.each([
    { what: 'a settled database', settle: true },
    { what: 'a database with a log beside it', settle: false },
  ])('reads and repairs $what whose row was changed by hand', async ({ settle }) => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 10))
    await store.close()
    alter(
      "UPDATE entries SET json = CAST(replace(json, 'test', 'evil') AS BLOB) WHERE revision = 7",
      settle,
    )
    const recovered = await open()
    expect(recovered.recovery).toMatchObject({ dropped: 4, revision: 6 })
    expect(recovered.recovery?.sentence).toContain('entry 7 does not fit its checksum')
    expect(await recovered.head()).toEqual({ epoch, revision: 6, oldest: 0 })
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(['damaged-1.db', 'state-2.db']))
    expect((await recovered.lead()).epoch).toBe(epoch + 1)
    await recovered.append(epoch + 1, 6, [changeNumber(7)])
    await recovered.close()
    expect((await open()).recovery).toBeUndefined()
  })

  test('loses nothing when only what a snapshot covers is damaged', async () => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 20))
    await store.writeSnapshot(epoch, { revision: 15, chunks: ['at 15'] }, 100)
    await store.close()
    alter('DELETE FROM entries WHERE revision = 8')
    const recovered = await open()
    expect(recovered.recovery).toMatchObject({ dropped: 0, revision: 20 })
    expect(await recovered.head()).toEqual({ epoch, revision: 20, oldest: 8 })
    expect(await recovered.readSnapshot()).toEqual({ revision: 15, chunks: ['at 15'] })
  })

  test('refuses a database without its snapshot rather than starting empty', async () => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 20))
    await store.writeSnapshot(epoch, { revision: 15, chunks: ['at 15'] }, 0)
    await store.close()
    alter('DELETE FROM chunks')
    await expect(open()).rejects.toThrow('nothing of it can be saved')
    expect(existsSync(join(directory, 'state-1.db'))).toBe(true)
  })

  test('refuses a database that has vanished', async () => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 5))
    await store.close()
    rmSync(join(directory, 'state-1.db'))
    await expect(open()).rejects.toThrow('is missing or empty, though 5 changes were acknowledged')
  })

  test('keeps a lost epoch from being given away again', async () => {
    const store = await open()
    const { epoch } = await store.lead()
    await store.append(epoch, 0, changesFrom(1, 5))
    await store.close()
    alter('UPDATE head SET epoch = 0')
    const recovered = await open()
    expect((await recovered.lead()).epoch).toBe(epoch + 1)
    expect(await recovered.readFrom(0, 10)).toHaveLength(5)
  })

  test('says that a directory cannot be used', async () => {
    writeFileSync(join(parent, 'data'), '')
    await expect(open()).rejects.toThrow()
    directory = join(parent, 'other')
    const store = await open()
    await store.close()
    writeFileSync(join(directory, 'master.lock'), 'not a lock'.repeat(100))
    await expect(open()).rejects.toThrow('master.lock: file is not a database')
  })

  test('tells its users when its thread is gone, and leaves nobody waiting', async () => {
    const broken = join(parent, 'thread.mjs')
    writeFileSync(broken, CRASHING_THREAD)
    const store = await openEmbeddedStore(directory, { thread: new URL(`file://${broken}`) })
    opened.push(store)
    const calls = [store.head(), store.append(1, 0, []), store.readSnapshot()]
    for (const answer of await Promise.allSettled(calls)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'STORE_STOPPED' } })
    }
    expect((await store.failed).message).toContain('its thread crashed: out of order')
    await expect(store.head()).rejects.toMatchObject({ code: 'STORE_STOPPED' })
  })

  test('keeps existing directories as their owner set them', async () => {
    const store = await open()
    await store.close()
    chmodSync(directory, 0o750)
    await open()
    expect(statSync(directory).mode & 0o777).toBe(0o750)
  })

  function alter(sql: string, settle = true): void {
    const Database = createRequire(import.meta.url)('libsql')
    const database = new Database(join(directory, 'state-1.db'))
    database.exec(sql)
    if (settle) database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
  }
})

const CRASHING_THREAD = `
  import { parentPort } from 'node:worker_threads'
  parentPort.postMessage({ kind: 'opened', head: { epoch: 0, revision: 0, oldest: 0 } })
  parentPort.on('message', () => { throw new Error('out of order') })
`
