/** The systemd units: no word that systemd does not know, and little that a program may do. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { masterKnobs } from '../../master/config.ts'
import { proxyKnobs } from '../../proxy/config.ts'
import type { Knobs } from '../../shared/config.ts'
import { workerKnobs } from '../../worker/config.ts'
import { ROOT } from '../support/program.ts'

const UNITS = join(ROOT, 'systemd')
/** Of 10, as systemd counts exposure; a unit without any protection has 9.6. */
const EXPOSURE_MAX = 2
const programs: readonly (readonly [string, Knobs])[] = [
  ['master', masterKnobs],
  ['worker', workerKnobs],
  ['proxy', proxyKnobs],
]

let root = ''

/** A machine's files, as far as units are looked at: theirs, and the program they start. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'orchestrify-units-'))
  for (const folder of ['bin', 'etc/systemd/system', 'usr/local/bin', 'lib/systemd']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  cpSync('/lib/systemd/system', join(root, 'lib/systemd/system'), { recursive: true })
  cpSync(join(ROOT, 'bin/orchestrify.mjs'), join(root, 'usr/local/bin/orchestrify'))
  cpSync('/bin/kill', join(root, 'bin/kill'))
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

test('there is a unit and an example of its settings for each program', () => {
  const names = programs.flatMap(([name]) => [`${name}.env`, `orchestrify-${name}.service`])
  expect(readdirSync(UNITS).sort()).toEqual([...names, 'sysusers.conf'].sort())
})

test.each(programs)('systemd understands every word of the unit of the %s', (name) => {
  expect(complaintsAbout(unit(name), name)).toBe('')
})

test('systemd complains about a word that it does not know, and about a missing program', () => {
  const wrong = unit('master').replace('RestartSec=2', 'RestartSec=soon')
  expect(complaintsAbout(wrong, 'wrong')).toContain('ignoring: soon')
  const missing = unit('master').replace('bin/orchestrify', 'bin/missing')
  expect(complaintsAbout(missing, 'missing')).toContain('bin/missing')
})

test.each(programs)('the %s may do little on its machine', (name) => {
  const limit = `--threshold=${EXPOSURE_MAX * 10}`
  const unit = join(UNITS, `orchestrify-${name}.service`)
  const done = analyze('security', '--offline=true', '--no-pager', limit, unit)
  expect(done.status, done.stdout).toBe(0)
})

test.each(programs)(
  'the example settings of the %s name variables that it knows',
  (name, knobs) => {
    const known = Object.values(knobs).map(({ env }) => env)
    const settings = readFileSync(join(UNITS, `${name}.env`), 'utf8')
    const named = [...settings.matchAll(/^#?([A-Z_]+)=/gm)].map(([, variable]) => variable)
    expect(named).not.toEqual([])
    expect(named.filter((variable) => !known.includes(variable ?? ''))).toEqual([])
  },
)

test.each([
  ['worker', 'leaveGraceMs', workerKnobs.leaveGraceMs.fallback],
  ['proxy', 'stopGraceMs', proxyKnobs.stopGraceMs.fallback],
] as const)('the %s may take longer to stop than its %s', (name, _, graceMs) => {
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit(name))?.[1])
  expect(seconds * 1_000).toBeGreaterThan(graceMs)
})

function unit(name: string): string {
  return readFileSync(join(UNITS, `orchestrify-${name}.service`), 'utf8')
}

/** It answers with success whatever it finds; what it prints tells. */
function complaintsAbout(text: string, name: string): string {
  const path = join(root, 'etc/systemd/system', `${name}.service`)
  writeFileSync(path, text)
  const done = analyze('verify', `--root=${root}`, path)
  return `${done.stdout}${done.stderr}`
}

function analyze(...argv: readonly string[]) {
  return spawnSync('systemd-analyze', argv, { encoding: 'utf8', timeout: 30_000 })
}
