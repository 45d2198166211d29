/** Questions about who imports whom. */
import type { Import, SourceFile } from './source-tree.ts'

export function folder(path: string): string {
  return path.split('/')[0] ?? ''
}

export type Rule = (from: string, imported: Import) => boolean

export function wrongImports(files: readonly SourceFile[], isWrong: Rule): readonly string[] {
  return files.flatMap(({ path, imports }) =>
    imports.filter((one) => isWrong(path, one)).map(({ to }) => `${path} imports ${to}`),
  )
}

/** The files whose code, apart from comments and texts, uses one of the words. */
export function saying(files: readonly SourceFile[], words: RegExp): readonly string[] {
  return files.flatMap(({ path, code }) => {
    const found = words.exec(code)?.[0]
    return found === undefined ? [] : [`${path} says ${found}`]
  })
}

/** For each inner file, the rooms outside that need it, directly or through other inner files. */
export function usersOf(
  files: readonly SourceFile[],
  isInner: (path: string) => boolean,
  roomOf: (path: string) => string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map(files.map((file) => [file.path, file.imports]))
  const users = new Map<string, Set<string>>()
  const visit = (path: string, room: string): void => {
    const known = users.get(path) ?? new Set()
    if (!isInner(path) || known.has(room)) return
    users.set(path, known.add(room))
    for (const { to } of imports.get(path) ?? []) visit(to, room)
  }
  for (const file of files) {
    if (!isInner(file.path)) for (const { to } of file.imports) visit(to, roomOf(file.path))
  }
  return users
}

/** Ways that lead back to their start. Types alone may refer to each other: they are not run. */
export function circles(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const from = (path: string, way: readonly string[]): readonly string[] => {
    if (way.includes(path)) return [[...way.slice(way.indexOf(path)), path].join(' → ')]
    if (done.has(path)) return []
    const needed = byPath.get(path)?.imports.filter(({ typeOnly }) => !typeOnly) ?? []
    const found = needed.flatMap(({ to }) => from(to, [...way, path]))
    done.add(path)
    return found
  }
  return files.flatMap(({ path }) => from(path, []))
}
