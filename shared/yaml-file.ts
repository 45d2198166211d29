/** Reads a file of YAML or JSON; it is not trusted, neither in its size nor in its shape. */
import { closeSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import type Yaml from 'yaml'
import { sentenceOf } from './errors.ts'

const FILE_BYTES_MAX = 1_000_000
/** Aliases that stand for aliases can blow a small file up to gigabytes. */
const ALIASES_MAX = 100

/** Most programs are told nothing by a file: without one, the parser's memory is spared. */
const load = createRequire(import.meta.url)

/** Throws one sentence about the file's content, without its name. */
export function readYamlFile(path: string): unknown {
  return parseYaml(textOf(path))
}

export function parseYaml(text: string): unknown {
  const { parse }: typeof Yaml = load('yaml')
  try {
    return parse(text, { maxAliasCount: ALIASES_MAX, logLevel: 'error' })
  } catch (error) {
    // The parser's message goes on with a picture of the place.
    throw new Error(sentenceOf(error).split('\n')[0])
  }
}

/** Reads no more than the limit: the path may name a device that never ends. */
function textOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(file, bytes, length, bytes.length - length, null)
    }
    if (length > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } finally {
    closeSync(file)
  }
}
