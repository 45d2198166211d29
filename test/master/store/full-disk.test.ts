import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedStore, openEmbeddedStore } from '../../../master/store/embedded/embedded.ts'
import { changeNumber, changesFrom } from './changes.ts'
import { compileStore } from './compiled.ts'

const compiled = compileStore()
const { thread } = compiled
afterAll(() => compiled.remove())

const mayMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0

/** Where nothing may be mounted, the durability tests let the system calls fail instead. */
describe.runIf(mayMount)('embedded store on a full disk', () => {
  let disk: string
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'orchestrify-disk-'))
    mount('size=1m,mode=700')
  })
  afterEach(() => {
    expect(spawnSync('umount', [disk]).status).toBe(0)
    rmdirSync(disk)
  })

  test('rejects appends, goes on reading, and appends again when there is space', async () => {
    const store = await openEmbeddedStore(disk, { thread })
    const { epoch } = await store.lead()
    const full = await fill(store, epoch)
    await expect(store.append(epoch, full, changesFrom(full + 1, 200))).rejects.toMatchObject({
      code: 'STORE_FULL',
      status: 507,
      message: 'Cannot write to the log: the disk is full',
    })
    await expect(store.writeSnapshot(epoch, { revision: full, chunks: [LONG] }, 0)).rejects.toThrow(
      'the disk is full',
    )
    expect(await store.readSnapshot()).toBeUndefined()
    await expectLog(store, full)

    mount('remount,size=16m')
    expect(await store.append(epoch, full, changesFrom(full + 1, 200))).toBe(full + 200)
    await store.writeSnapshot(epoch, { revision: full, chunks: [LONG] }, 10_000)
    await expectLog(store, full + 200)
    await store.close()
    await expectReopened(full + 200)
  })

  test('refuses only the appends that have no space, of many that wait', async () => {
    const store = await openEmbeddedStore(disk, { thread })
    const { epoch } = await store.lead()
    const full = await fill(store, epoch)
    const waiting = Array.from({ length: 50 }, (_, at) =>
      store.append(epoch, full + at * 100, changesFrom(full + at * 100 + 1, 100)),
    )
    const answers = await Promise.allSettled(waiting)
    const { revision } = await store.head()
    const taken = answers.filter(({ status }) => status === 'fulfilled').length
    expect(revision).toBe(full + taken * 100)
    await expectLog(store, revision)
    await store.close()
  })

  test('opens with what was acknowledged while the disk is full', async () => {
    const first = await openEmbeddedStore(disk, { thread })
    const { epoch } = await first.lead()
    const full = await fill(first, epoch)
    await first.close()
    await expectReopened(full)
  })

  async function expectReopened(revision: number): Promise<void> {
    const store = await openEmbeddedStore(disk, { thread })
    expect(store.recovery).toBeUndefined()
    await expectLog(store, revision)
    await store.close()
  }

  function mount(options: string): void {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk])
    expect(mounted.status, mounted.stderr.toString()).toBe(0)
  }
})

const LONG = 'z'.repeat(3_000_000)

/** Appends until the disk is full, and answers the last acknowledged revision. */
async function fill(store: EmbeddedStore, epoch: number): Promise<number> {
  for (let revision = 0; ; revision += 1) {
    const append = store.append(epoch, revision, [changeNumber(revision + 1)])
    const outcome = await append.catch((error: Error) => error)
    if (outcome === revision + 1) continue
    expect(outcome).toMatchObject({ code: 'STORE_FULL' })
    return revision
  }
}

async function expectLog(store: EmbeddedStore, revision: number): Promise<void> {
  expect((await store.head()).revision).toBe(revision)
  const entries = await store.readFrom(0, 10_000)
  expect(entries.map(({ change }) => change)).toEqual(changesFrom(1, revision))
}
