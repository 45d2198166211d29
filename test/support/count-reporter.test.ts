import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')))
const reporter = fileURLToPath(new URL('./count-reporter.ts', import.meta.url))

const cases = [
  {
    when: 'all pass',
    body: `test('a', () => {}); test('b', () => {})`,
    line: '2 passed, 0 failed',
  },
  {
    when: 'one fails',
    body: `test('a', () => {}); test('b', () => { throw 1 })`,
    line: '1 passed, 1 failed',
  },
  {
    when: 'a hook of a suite fails',
    body: `test('a', () => {}); describe('s', () => { beforeAll(() => { throw 1 }); test('b', () => {}) })`,
    line: '1 passed, 1 failed',
  },
  { when: 'the file cannot be read', body: 'import "./nowhere"', line: '0 passed, 1 failed' },
  {
    when: 'an error belongs to no test',
    body: `test('a', () => { Promise.reject(new Error('lost')) }); test('b', () => new Promise(setImmediate))`,
    line: '2 passed, 1 failed',
  },
  { when: 'there is no test', body: '', line: '0 passed, 1 failed' },
  {
    when: 'a test is skipped',
    body: `test.skip('a', () => {}); test('b', () => {})`,
    line: '1 passed, 0 failed',
  },
] as const

test.each(cases)('CountReporter prints "$line" last when $when', ({ body, line }) => {
  const folder = mkdtempSync(join(tmpdir(), 'orchestrify-count-'))
  try {
    writeFileSync(join(folder, 'some.test.mjs'), body)
    writeFileSync(join(folder, 'vitest.config.mjs'), config(folder))
    const arguments_ = [join(vitest, 'vitest.mjs'), 'run', '--root', folder]
    const run = spawnSync(process.execPath, arguments_, { encoding: 'utf8', cwd: folder })
    expect(run.stdout.trimEnd().split('\n').at(-1)).toBe(line)
    expect(run.status === 0).toBe(line.endsWith(' 0 failed'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function config(folder: string): string {
  return `import { CountReporter } from ${JSON.stringify(reporter)}
export default {
  root: ${JSON.stringify(folder)},
  test: { globals: true, include: ['*.test.mjs'], reporters: ['default', new CountReporter()] },
}`
}
