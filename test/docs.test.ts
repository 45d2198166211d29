import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { masterKnobs } from '../master/config.ts'
import { proxyKnobs } from '../proxy/config.ts'
import type { Knobs } from '../shared/config.ts'
import { shownDefault } from '../shared/config-docs.ts'
import { workerKnobs } from '../worker/config.ts'
import { ROOT } from './support/program.ts'

const programs: readonly (readonly [string, Knobs])[] = [
  ['master', masterKnobs],
  ['worker', workerKnobs],
  ['proxy', proxyKnobs],
]

test('docs/configuration.md says what the programs of the last build can be told', () => {
  const check = spawnSync(process.execPath, ['docs.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(check.stderr).toBe('')
  expect(check.status).toBe(0)
})

test.each(programs)('what is shown as a default of the %s can be given as a value', (_, knobs) => {
  for (const knob of Object.values(knobs)) {
    const shown = shownDefault(knob)
    if (shown === '' || knob.fallbackShown !== undefined) continue
    expect(JSON.stringify(knob.parse(shown)), knob.flag).toBe(JSON.stringify(knob.fallback))
  }
})

test.each(programs)('no default of the %s is documented as it is on this machine', (_, knobs) => {
  const local = [hostname(), homedir(), ROOT.slice(0, -1)]
  const shown = Object.values(knobs).filter((knob) => local.includes(shownDefault(knob)))
  expect(shown.map(({ flag }) => flag)).toEqual([])
})

test.each(programs)('no two knobs of the %s share a flag, a variable or a key', (_, knobs) => {
  const all = Object.values(knobs)
  const keys = all.flatMap(({ key, aliases }) => [key, ...aliases.map((alias) => alias.key)])
  for (const names of [all.map(({ flag }) => flag), all.map(({ env }) => env), keys]) {
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  }
})

test('the build left every program where its folder points', () => {
  for (const [program] of programs) {
    const folder = join(ROOT, program)
    const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    expect(existsSync(join(folder, main)), main).toBe(true)
  }
})
