/** Root file systems for test images, made without a registry and kept between runs. */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { output } from './command.ts'
import { ROOT } from './program.ts'

const RECIPE = join(ROOT, 'test/lab/images.sh')
const CACHE = join(ROOT, 'node_modules/.cache/lab-images')

export type ImageKind = 'busybox' | 'node'

/** How an image is configured, in the words of a Dockerfile. */
const CONFIGURATION: Readonly<Record<ImageKind, readonly string[]>> = {
  busybox: ['ENV PATH=/bin', 'CMD ["/bin/serve"]'],
  node: ['ENV PATH=/usr/bin:/bin', 'WORKDIR /app', 'CMD ["node", "/app/service.mjs"]'],
}

/** A web server of 2 MB; it ignores SIGTERM as the first process of its container. */
export function busyboxTar(): Promise<string> {
  return tarOf('busybox')
}

/** This Node, with test/support/service.mjs as /app/service.mjs. */
export function nodeTar(): Promise<string> {
  return tarOf('node')
}

/** What `docker import` takes: the flags that configure the image, and its file. */
export async function importArguments(
  kind: ImageKind,
  changes: readonly string[],
): Promise<readonly string[]> {
  const flags = [...CONFIGURATION[kind], ...changes].flatMap((change) => ['--change', change])
  return [...flags, await tarOf(kind)]
}

async function tarOf(kind: ImageKind): Promise<string> {
  const file = join(CACHE, `${kind}-${keyOf(kind)}.tar`)
  if (existsSync(file)) return file
  mkdirSync(CACHE, { recursive: true })
  // Two test processes may make it at once: each renames a whole one into place.
  const draft = `${file}.${randomUUID()}`
  try {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`
    await output(['bash', RECIPE, kind, draft], { env: { PATH: path } })
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
  return file
}

function keyOf(kind: ImageKind): string {
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${process.execPath}`)
  for (const path of [RECIPE, ...ingredients(kind)]) hash.update(readFileSync(path))
  return hash.digest('hex').slice(0, 16)
}

function ingredients(kind: ImageKind): readonly string[] {
  if (kind === 'node') return [join(ROOT, 'test/support/service.mjs')]
  const folder = join(ROOT, 'test/lab/image')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
  return paths.sort()
}
