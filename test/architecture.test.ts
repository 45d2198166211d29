/** The invariants of the project's structure, each in the words of its test. */
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { circles, folder, saying, usersOf, wrongImports } from './support/source-graph.ts'
import { sourceTree } from './support/source-tree.ts'

const sources = sourceTree(['shared', 'master', 'worker', 'proxy', 'sim', 'examples'])
const everything = [...sources, ...sourceTree(['test'])]

const PURE = [
  'decision',
  ...['change', 'errors', 'histogram', 'image-reference', 'model'],
  ...['concurrency', 'load-level', 'permit-learner', 'replica-speeds', 'round-gatherer'],
]
const PURE_SHARED = PURE.map((name) => `shared/${name}.ts`)
const PURE_AS_TYPES = [
  ...PURE_SHARED,
  'shared/protocol.ts',
  'shared/stream-protocol.ts',
  'shared/api.ts',
]
const isDecide = (path: string): boolean => /^(master|worker|proxy)\/decide\//.test(path)
const decisions = sources.filter(({ path }) => isDecide(path))

test('the master, the worker and the proxy never import each other', () => {
  const programs = ['master', 'worker', 'proxy']
  expect(
    wrongImports(sources, (from, { to }) => {
      const other = programs.includes(folder(to)) && folder(to) !== folder(from)
      return programs.includes(folder(from)) && other
    }),
  ).toEqual([])
})

test('programs import only themselves and shared; shared imports only itself', () => {
  const own = ['shared', 'master', 'worker', 'proxy']
  expect(
    wrongImports(sources, (from, { to, kind }) => {
      const allowed = [folder(from), 'shared', ...(mayUseSim(from) ? ['sim'] : [])]
      return kind === 'file' && own.includes(folder(from)) && !allowed.includes(folder(to))
    }),
  ).toEqual([])
})

test('the simulator imports only decisions and shared', () => {
  expect(
    wrongImports(sources, (from, { to, kind }) => {
      const allowed = ['sim', 'shared'].includes(folder(to)) || isDecide(to)
      return folder(from) === 'sim' && kind === 'file' && !allowed
    }),
  ).toEqual([])
})

test('a decision imports only decisions of its program and the pure words of shared', () => {
  expect(
    wrongImports(decisions, (from, { to, typeOnly }) => {
      const own = isDecide(to) && folder(to) === folder(from)
      return !own && !(typeOnly ? PURE_AS_TYPES : PURE_SHARED).includes(to)
    }),
  ).toEqual([])
})

test('the pure words of shared import nothing but each other', () => {
  const pure = sources.filter(({ path }) => PURE_SHARED.includes(path))
  expect(
    wrongImports(pure, (_, { to, typeOnly }) => {
      return !(typeOnly ? PURE_AS_TYPES : PURE_SHARED).includes(to)
    }),
  ).toEqual([])
})

test('a decision reads no clock, draws no random number, waits for nothing, writes no log', () => {
  const impure =
    /\b(Date\.now|new Date\(\)|performance|Math\.random|crypto|setTimeout|setInterval|setImmediate|queueMicrotask|await|async|Promise|console|process|fetch)\b/
  expect(saying(decisions, impure)).toEqual([])
})

test('only shared/clock.ts reads a clock or sets a timer', () => {
  const words =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|(?<![.\w])set(Timeout|Interval)\b/
  expect(
    saying(
      sources.filter(({ path }) => path !== 'shared/clock.ts'),
      words,
    ),
  ).toEqual([])
})

/** Commands that work on the master's own machine, and why. */
const LOCAL_COMMANDS: Readonly<Record<string, string>> = {
  'master/cli/commands/token.ts': 'the keys are files that only the machine of the master has',
}

test('the command line is an HTTP client: of the master it imports only its settings', () => {
  expect(
    wrongImports(sources, (from, { to }) => {
      const local = from in LOCAL_COMMANDS || to === 'master/config.ts'
      const allowed = to.startsWith('master/cli/') || local
      return from.startsWith('master/cli/') && folder(to) === 'master' && !allowed
    }),
  ).toEqual([])
})

test('the console imports only types of shared', () => {
  expect(
    wrongImports(sources, (from, { to, typeOnly }) => {
      const allowed = to.startsWith('master/console/') || (folder(to) === 'shared' && typeOnly)
      return from.startsWith('master/console/') && folder(to) !== to && !allowed
    }),
  ).toEqual([])
})

test('main.ts is imported by no one', () => {
  expect(
    wrongImports(everything, (_, { to }) => /^(master|worker|proxy)\/main\.ts$/.test(to)),
  ).toEqual([])
})

test('every file in shared is needed by at least two rooms of the house', () => {
  const isShared = (path: string): boolean => folder(path) === 'shared'
  const users = usersOf(sources, isShared, room)
  const lonely = sources.filter(({ path }) => isShared(path) && (users.get(path)?.size ?? 0) < 2)
  expect(lonely.map(({ path }) => `${path}: ${[...(users.get(path) ?? [])]}`)).toEqual([])
})

/** Packages that more than one file may import, and why. */
const SPOKEN_EVERYWHERE: Readonly<Record<string, string>> = {
  zod: 'the language in which every edge declares what it accepts; there is nothing to adapt',
}

test('each package is imported by one file, its adapter', () => {
  const importers = new Map<string, string[]>()
  for (const { path, imports } of sources) {
    const names = imports.filter(({ kind, typeOnly }) => kind === 'package' && !typeOnly)
    for (const name of new Set(names.map(({ to }) => to))) {
      importers.set(name, [...(importers.get(name) ?? []), path])
    }
  }
  const several = [...importers].filter(
    ([name, paths]) => paths.length > 1 && !(name in SPOKEN_EVERYWHERE),
  )
  expect(Object.fromEntries(several)).toEqual({})
})

test('no file has more than 300 lines', () => {
  const long = everything.filter(({ lines }) => lines > 300)
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
})

test('no file is called utils, helpers, common, types, misc, manager or index', () => {
  const vague =
    /^(utils?|helpers?|common|types?|misc|managers?|index)\.|-(utils?|helpers?|manager)\./
  expect(everything.map(({ path }) => path).filter((path) => vague.test(basename(path)))).toEqual(
    [],
  )
})

test('no file imports itself in a circle', () => {
  expect(circles(sources)).toEqual([])
})

function room(path: string): string {
  return path.startsWith('master/cli/') ? 'master/cli' : folder(path)
}

function mayUseSim(path: string): boolean {
  return path.startsWith('master/cli/') || path.startsWith('master/api/')
}
