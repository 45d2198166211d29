import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createDirectoryDurably,
  isThere,
  readIfThere,
  writeDurably,
} from '../../shared/durable-file.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'durable-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('writeDurably() replaces a file, also one that everybody could read', async () => {
  const path = join(directory, 'file')
  await writeFile(path, 'old', { mode: 0o644 })
  await writeDurably(path, 'new')
  expect(await readFile(path, 'utf8')).toBe('new')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(directory)).toEqual(['file'])
})

test('writeDurably() leaves one whole content when several write at once', async () => {
  const path = join(directory, 'file')
  const texts = Array.from({ length: 20 }, (_, at) => String(at).repeat(10_000))
  await Promise.all(texts.map((text) => writeDurably(path, text)))
  expect(texts).toContain(await readFile(path, 'utf8'))
  expect(await readdir(directory)).toEqual(['file'])
})

test('writeDurably() leaves the old content and no draft when it fails', async () => {
  const path = join(directory, 'taken')
  await mkdir(path)
  await expect(writeDurably(path, 'x')).rejects.toThrow()
  expect(await readdir(directory)).toEqual(['taken'])
})

test('createDirectoryDurably() creates all or nothing, and only once', async () => {
  const path = join(directory, 'made')
  expect(await createDirectoryDurably(path, { a: '1', b: '2' })).toBe(true)
  expect(await createDirectoryDurably(path, { a: '9' })).toBe(false)
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('1')
  expect(await readdir(directory)).toEqual(['made'])
  const failing = createDirectoryDurably(join(directory, 'other'), { 'no/such': 'x' })
  await expect(failing).rejects.toThrow()
  expect(await readdir(directory)).toEqual(['made'])
})

test('readIfThere() and isThere() tell absence from trouble', async () => {
  expect(await readIfThere(join(directory, 'none'))).toBeUndefined()
  expect(await isThere(join(directory, 'none'))).toBe(false)
  expect(await isThere(directory)).toBe(true)
  await expect(readIfThere(directory)).rejects.toThrow('EISDIR')
})
