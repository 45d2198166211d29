import { existsSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Where a file of the release lies now. Who installs often starts a release through a link, and
 * upgrades by turning it: node follows the link once, at the start, so it must be followed anew.
 */
export function releasedFile(startedAs: string, file: string): () => string {
  const started = targetOf(startedAs)
  if (started === undefined) return () => file
  const way = relative(started, file)
  return () => {
    const target = targetOf(startedAs)
    const now = target === undefined ? file : join(target, way)
    return existsSync(now) ? now : file
  }
}

function targetOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    // A link that is just being turned leads nowhere for a moment.
    return undefined
  }
}
