import { rename } from 'node:fs/promises'
import type { ZodType } from 'zod'
import { readIfThere } from '../shared/durable-file.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

/** What was kept on disk; a damaged file is put aside and told of, for it can be learned again. */
export async function readKept<T>(
  path: string,
  schema: ZodType<T>,
  log: Log,
): Promise<T | undefined> {
  const content = await readIfThere(path)
  if (content === undefined) return undefined
  try {
    return schema.parse(JSON.parse(content))
  } catch (error) {
    const aside = `${path}.damaged`
    await rename(path, aside)
    log.error('damaged file put aside', { path, aside, reason: sentenceOf(error).slice(0, 500) })
    return undefined
  }
}
