/** Compiles the store as it is now: threads and child processes cannot run TypeScript. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export interface Compiled {
  readonly thread: URL
  readonly writer: string
  remove(): void
}

export function compileStore(): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'orchestrify-store-'))
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify(settingsFor(folder)))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(compiler), 'bin', 'tsc')
  const done = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`Cannot compile the store: ${done.stdout}`)
  return {
    thread: pathToFileURL(join(folder, 'master/store/embedded/thread.js')),
    writer: join(folder, 'test/master/store/writer.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function settingsFor(folder: string): object {
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: root,
      outDir: folder,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [],
    files: ['master/store/embedded/thread.ts', 'test/master/store/writer.ts'].map((file) =>
      join(root, file),
    ),
  }
}
