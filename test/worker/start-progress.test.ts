import { expect, test } from 'vitest'
import type { StartProgress as Progress } from '../../shared/stream-protocol.ts'
import { StartProgress } from '../../worker/start-progress.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'

const NEVER = new AbortController().signal

async function collect(progress: AsyncIterable<Progress>, into: string[]): Promise<void> {
  for await (const { text } of progress) into.push(text)
}

test('StartProgress.follow() tells what is known and what comes, until the start has ended', async () => {
  const starts = new StartProgress(new FakeClock())
  starts.tell('r1', { text: 'pulling' })
  const seen: string[] = []
  const following = collect(starts.follow('r1', NEVER), seen)
  await until(() => seen.length === 1)
  starts.tell('r1', { text: 'extracting', doneBytes: 1, totalBytes: 2 })
  await until(() => seen.length === 2)
  starts.tell('r2', { text: 'of another' })
  starts.tell('r1', { text: 'starting' })
  starts.ended('r1')
  await following
  expect(seen).toEqual(['pulling', 'extracting', 'starting'])
})

test('StartProgress.follow() tells a slow watcher only the latest', async () => {
  const starts = new StartProgress(new FakeClock())
  starts.tell('r1', { text: 'first' })
  const following = starts.follow('r1', NEVER)
  expect((await following.next()).value?.text).toBe('first')
  for (let at = 0; at < 10_000; at += 1) starts.tell('r1', { text: `step ${at}` })
  expect((await following.next()).value?.text).toBe('step 9999')
})

test('StartProgress.follow() ends at once when no start is under way, and with its signal', async () => {
  const starts = new StartProgress(new FakeClock())
  expect((await starts.follow('r1', NEVER).next()).done).toBe(true)
  starts.ended('r1')
  starts.tell('r1', { text: 'pulling' })
  const leaving = new AbortController()
  const following = starts.follow('r1', leaving.signal)
  await following.next()
  const next = following.next()
  leaving.abort()
  expect((await next).done).toBe(true)
  starts.ended('r1')
  expect((await starts.follow('r1', NEVER).next()).done).toBe(true)
})
