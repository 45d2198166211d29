import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { containerHint } from '../../../../master/cli/up/containers.ts'
import { identify } from '../../../../master/cli/up/processes.ts'
import type { Recorded } from '../../../../master/cli/up/state.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-containers-'))
  const notes = { 'worker-1': '{"driver":"docker"}', 'worker-2': '{"driver":"process"}' }
  for (const [name, note] of Object.entries({ ...notes, 'worker-3': '{"driv' })) {
    mkdirSync(join(dir, name))
    writeFileSync(join(dir, name, 'driver.json'), note)
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const log = ''
const dead = ['worker-1', 'worker-2', 'worker-3', 'worker-4'].map(
  (name): Recorded => ({ role: 'worker', name, log }),
)

test('containerHint() names the dead workers that ran containers', () => {
  expect(containerHint(dir, dead)).toMatch(/^Containers of worker-1 may still run: run "up"/)
})

test('containerHint() says nothing while they live, or when they ran processes', () => {
  const process = identify(globalThis.process.pid)
  const living: Recorded = { role: 'worker', name: 'worker-1', log, process }
  expect(containerHint(dir, [living, ...dead.slice(1)])).toBeUndefined()
  expect(containerHint(dir, [])).toBeUndefined()
})
