/** The commands that docs/installing.md promises to be tried. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/program.ts'

const TRIED = /<!-- The tests run this block\. -->\n```sh\n(.*?)```/gs

/** The one tried block that mentions something. */
export function documented(mentioned: string): string {
  const page = readFileSync(join(ROOT, 'docs/installing.md'), 'utf8')
  const blocks = [...page.matchAll(TRIED)].map(([, block]) => block ?? '')
  const [found, ...others] = blocks.filter((block) => block.includes(mentioned))
  if (found === undefined || others.length > 0) {
    throw new Error(`There is not one tried block in docs/installing.md about ${mentioned}`)
  }
  return found
}
