/** The project's TypeScript files and what they import, read from their text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ROOT } from './program.ts'

export interface Import {
  /** A path from the project's root, `node:fs`, or the name of a package. */
  readonly to: string
  readonly kind: 'file' | 'node' | 'package'
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string
  readonly lines: number
  /** Without comments and strings. */
  readonly code: string
  readonly imports: readonly Import[]
}

export function sourceTree(folders: readonly string[]): readonly SourceFile[] {
  const present = folders.filter((folder) => existsSync(join(ROOT, folder)))
  return present.flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    const sources = names.filter((name) => /\.(ts|tsx|mjs)$/.test(name)).sort()
    return sources.map((name) => sourceFile(join(folder, name)))
  })
}

function sourceFile(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const lines = text.split('\n').length - 1
  return { path, lines, code: bare(text), imports: importsOf(path, text) }
}

const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g
const COMMENT = /^\/[/*]/

function bare(text: string): string {
  return text.replace(COMMENT_OR_STRING, (found) => (COMMENT.test(found) ? ' ' : "''"))
}

/** `import … from`, `export … from`, bare imports, `import(…)`, and files started as threads. */
const IMPORTS = [
  /^(?:import|export) (?<what>[^'"`;]*?) from '(?<to>[^']+)'/gm,
  /^import '(?<to>[^']+)'/gm,
  /\bimport\(\s*'(?<to>[^']+)'\s*\)/g,
  /new URL\(\s*'(?<to>\.[^']+\.(?:ts|js|mjs))',\s*import\.meta\.url/g,
]

function importsOf(path: string, text: string): readonly Import[] {
  const code = text.replace(COMMENT_OR_STRING, (found) => (COMMENT.test(found) ? ' ' : found))
  return IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)]).map(({ groups }) => {
    const typeOnly = isTypeOnly(groups?.what ?? '')
    return { ...target(path, groups?.to ?? ''), typeOnly }
  })
}

function isTypeOnly(what: string): boolean {
  if (what.startsWith('type ')) return true
  const names = /^\{(.*)\}$/s
    .exec(what)?.[1]
    ?.split(',')
    .map((name) => name.trim())
  return names?.every((name) => name === '' || name.startsWith('type ')) ?? false
}

function target(from: string, to: string): Pick<Import, 'to' | 'kind'> {
  if (to.startsWith('node:')) return { to, kind: 'node' }
  if (to.startsWith('.')) {
    const path = relative(ROOT, join(ROOT, dirname(from), to))
    return { to: path.replace(/\.js$/, '.ts'), kind: 'file' }
  }
  const parts = to.split('/')
  return { to: parts.slice(0, to.startsWith('@') ? 2 : 1).join('/'), kind: 'package' }
}
