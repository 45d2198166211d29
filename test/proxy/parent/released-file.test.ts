import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { releasedFile } from '../../../proxy/parent/released-file.ts'

let dir: string

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'orchestrify-release-')))
  release('1')
  link('1')
})

afterEach(() => rmSync(dir, { recursive: true, force: true }))

function release(version: string): void {
  for (const folder of ['bin', 'dist/proxy', 'proxy']) {
    mkdirSync(join(dir, version, folder), { recursive: true })
  }
  for (const file of ['bin/program', 'dist/proxy/main.js', 'dist/proxy/carrier.js']) {
    writeFileSync(join(dir, version, file), '')
  }
}

/** The link of the release, and one in another folder that leads through it. */
function link(version: string): void {
  for (const name of ['current', 'program']) rmSync(join(dir, name), { force: true })
  symlinkSync(version, join(dir, 'current'))
  symlinkSync('current/bin/program', join(dir, 'program'))
}

const carrierOf = (version: string): string => join(dir, version, 'dist/proxy/carrier.js')

test.each(['program', 'current/bin/program', 'current/proxy', 'current/dist/proxy/main.js'])(
  'releasedFile() finds the next release when %s was started and the link is turned',
  (started) => {
    const file = releasedFile(join(dir, started), carrierOf('1'))
    expect(file()).toBe(carrierOf('1'))
    release('2')
    link('2')
    expect(file()).toBe(carrierOf('2'))
  },
)

test('releasedFile() stays with what there is when the link leads nowhere', () => {
  const file = releasedFile(join(dir, 'program'), carrierOf('1'))
  link('none')
  expect(file()).toBe(carrierOf('1'))
  rmSync(join(dir, 'current'))
  expect(file()).toBe(carrierOf('1'))
  expect(releasedFile(join(dir, 'nowhere'), carrierOf('1'))()).toBe(carrierOf('1'))
})

test('releasedFile() stays with what there is when the next release lacks it', () => {
  const file = releasedFile(join(dir, 'program'), carrierOf('1'))
  release('2')
  rmSync(carrierOf('2'))
  link('2')
  expect(file()).toBe(carrierOf('1'))
})
