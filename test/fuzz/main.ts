/** Compares what this proxy accepts with what node's own parser does: `--heads N --seed S`. */
import { parseArgs } from 'node:util'
import { sentenceOf } from '../../shared/errors.ts'
import { chunkedBodies } from './chunks.ts'
import { requestHeads, responseHeads } from './heads.ts'
import { run } from './outcome.ts'
import { Random } from './random.ts'

const HEADS = 1_000_000

const values = flags()
const heads = wholeNumber('heads', values.heads, HEADS)
const seed = wholeNumber('seed', values.seed, 1)

console.log(`${heads} heads of requests, seed ${seed}, Node ${process.version}`)
for (const [subject, count] of [
  [requestHeads(), heads],
  [responseHeads(), Math.ceil(heads / 4)],
  [chunkedBodies(), Math.ceil(heads / 4)],
] as const) {
  const { tried, accepted, disagreements } = run(subject, count, new Random(seed))
  const said = `${tried} tried, ${accepted} accepted, ${disagreements.length} read otherwise`
  console.log(`${subject.name}: ${said}`)
  for (const disagreement of disagreements) console.log(`  ${disagreement}`)
  if (disagreements.length > 0) process.exitCode = 1
}

function flags(): { readonly heads?: string; readonly seed?: string } {
  try {
    return parseArgs({ options: { heads: { type: 'string' }, seed: { type: 'string' } } }).values
  } catch (error) {
    return fail(`Cannot read the flags: ${sentenceOf(error)}`)
  }
}

function wholeNumber(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  if (/^\d{1,12}$/.test(text)) return Number(text)
  return fail(`Cannot read --${flag}: "${text}" is not a whole number`)
}

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}
