import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { identify } from '../../worker/drivers/process/process-table.ts'
import { lockDirectory } from '../../worker/lock.ts'
import { scratch } from './support/scratch.ts'

async function livingProcess() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, identity: await identify(child.pid ?? 0) }
}

test('lockDirectory() lets one process in at a time', async () => {
  const directory = await scratch()
  const unlock = await lockDirectory(directory)
  await expect(lockDirectory(directory)).rejects.toThrow(
    `the worker with process id ${process.pid} uses it`,
  )
  await unlock()
  await (await lockDirectory(directory))()
})

test('lockDirectory() respects another living process and outlives a dead one', async () => {
  const directory = await scratch()
  const { child, identity } = await livingProcess()
  await writeFile(join(directory, 'worker.lock'), JSON.stringify(identity))
  await expect(lockDirectory(directory)).rejects.toThrow(`process id ${child.pid} uses it`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await lockDirectory(directory))()
})

test.each(['', '{', '{}', 'x', '{"pid":1}'])('lockDirectory() takes over "%s"', async (content) => {
  const directory = await scratch()
  await writeFile(join(directory, 'worker.lock'), content)
  await (await lockDirectory(directory))()
})
