/** A configuration file as flat keys: `scaling: {min: 2}` becomes `scaling.min`. */
import { RequestError, sentenceOf } from './errors.ts'
import { readYamlFile } from './yaml-file.ts'

/** What may be in the file: each list is one thing with its older names. */
export type KnownKeys = readonly (readonly string[])[]

const DEPTH_MAX = 16

/** Throws one sentence that names the file and what is wrong in it. */
export function readConfigFile(path: string, known: KnownKeys): ReadonlyMap<string, unknown> {
  try {
    const flat = new Map<string, unknown>()
    flatten({ tree: readYamlFile(path), key: '', depth: 0 }, known, flat)
    refuseUnknown(flat, known)
    refuseTwice(flat, known)
    return flat
  } catch (error) {
    const sentence = `Cannot use the configuration file ${path}: ${sentenceOf(error)}`
    throw new RequestError(400, 'USAGE', sentence)
  }
}

interface Branch {
  readonly tree: unknown
  readonly key: string
  readonly depth: number
}

function flatten(branch: Branch, known: KnownKeys, into: Map<string, unknown>): void {
  const { tree, key: prefix, depth } = branch
  if (tree === null || tree === undefined) return
  if (!isTree(tree)) throw new Error('expected keys and values at its top')
  if (depth > DEPTH_MAX) throw new Error(`its keys are nested more than ${DEPTH_MAX} deep`)
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix === '' ? name : `${prefix}.${name}`
    if (isTree(value) && leads(key, known)) {
      flatten({ tree: value, key, depth: depth + 1 }, known, into)
    } else {
      if (into.has(key)) throw new Error(`"${key}" is there twice`)
      into.set(key, value)
    }
  }
}

function isTree(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether some key lies below this one. */
function leads(key: string, known: KnownKeys): boolean {
  return known.flat().some((name) => name.startsWith(`${key}.`))
}

function refuseUnknown(flat: ReadonlyMap<string, unknown>, known: KnownKeys): void {
  const names = new Set(known.flat())
  const unknown = [...flat.keys()].filter((key) => !names.has(key))
  if (unknown.length === 0) return
  const shown = unknown.slice(0, 10).map((key) => JSON.stringify(key.slice(0, 100)))
  throw new Error(`unknown key${unknown.length > 1 ? 's' : ''} ${shown.join(', ')}`)
}

function refuseTwice(flat: ReadonlyMap<string, unknown>, known: KnownKeys): void {
  for (const names of known) {
    const [one, other] = names.filter((name) => flat.has(name))
    if (other !== undefined) throw new Error(`"${one}" and "${other}" mean the same, keep one`)
  }
}
