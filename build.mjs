// Compiles the sources into dist. With --if-stale only when a source is newer than the last build.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const stamp = join(root, 'dist', '.built')
const sources = ['shared', 'master', 'worker', 'proxy', 'sim', 'examples', 'test']

if (!process.argv.includes('--if-stale') || isStale()) build()

function isStale() {
  if (!existsSync(stamp)) return true
  const builtAtMs = statSync(stamp).mtimeMs
  return [join(root, 'tsconfig.json'), join(root, 'package-lock.json'), ...files()].some(
    (path) => existsSync(path) && statSync(path).mtimeMs > builtAtMs,
  )
}

function files() {
  return sources
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => [
      folder,
      ...readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
    ])
    .map((name) => join(root, name))
}

function build() {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(compiler), 'bin', 'tsc')
  const done = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit', cwd: root })
  if (done.status !== 0) process.exit(done.status ?? 1)
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, '')
}
