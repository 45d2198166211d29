import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { boundOutput, openOutput } from '../../../../worker/drivers/process/output.ts'
import { scratch } from '../../support/scratch.ts'

test('boundOutput() moves a full file aside and lets its writer go on at the start', async () => {
  const folder = await scratch()
  const path = join(folder, 'stdout.log')
  await writeFile(path, 'x'.repeat(150))
  await boundOutput(folder, 100)
  expect((await stat(path)).size).toBe(0)
  expect((await stat(`${path}.1`)).size).toBe(150)
  const output = await openOutput(folder)
  await writeFile(path, 'after', { flag: 'a' })
  await output.close()
  expect(await readFile(path, 'utf8')).toBe('after')
})

test('boundOutput() drops a flood instead of copying it', async () => {
  const folder = await scratch()
  const path = join(folder, 'stderr.log')
  await writeFile(path, 'x'.repeat(201))
  await boundOutput(folder, 100)
  expect((await stat(path)).size).toBe(0)
  await expect(stat(`${path}.1`)).rejects.toThrow('ENOENT')
})

test('boundOutput() leaves small and missing files alone', async () => {
  const folder = await scratch()
  await writeFile(join(folder, 'stdout.log'), 'x'.repeat(100))
  await boundOutput(folder, 100)
  expect((await stat(join(folder, 'stdout.log'))).size).toBe(100)
})
