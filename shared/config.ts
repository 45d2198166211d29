/** Reads a program's knobs: flag over environment over `--config FILE` over default. */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parse as parseYaml } from 'yaml'
import { RequestError, sentenceOf } from './errors.ts'
import type { Knob } from './knob.ts'

export type Knobs = Readonly<Record<string, Knob<unknown>>>
export type ConfigOf<K extends Knobs> = {
  readonly [Name in keyof K]: K[Name] extends Knob<infer T> ? T : never
}

export interface ConfigSources {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

const FILE_BYTES_MAX = 1_000_000

/** Throws one sentence that names the flag, the variable or the file and key that is wrong. */
export function readConfig<K extends Knobs>(knobs: K, sources: ConfigSources): ConfigOf<K> {
  const flags = readFlags(knobs, sources.argv)
  const path = flags.config ?? sources.environment.ORCHESTRIFY_CONFIG
  const file = path === undefined ? new Map<string, unknown>() : readFile(String(path), knobs)
  const values = Object.entries(knobs).map(([name, knob]) => [
    name,
    valueOf(knob, { flags, environment: sources.environment, file, path: String(path) }),
  ])
  return Object.fromEntries(values) as ConfigOf<K>
}

interface Found {
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: ConfigSources['environment']
  readonly file: ReadonlyMap<string, unknown>
  readonly path: string
}

function valueOf(knob: Knob<unknown>, found: Found): unknown {
  const flagged = found.flags[knob.flag]
  if (flagged !== undefined) return parsed(knob, flagged, `--${knob.flag}`)
  const variable = found.environment[knob.env]
  if (variable !== undefined && variable !== '') return parsed(knob, variable, knob.env)
  for (const { key, convert } of [{ key: knob.key, convert: undefined }, ...knob.aliases]) {
    if (!found.file.has(key)) continue
    const raw = found.file.get(key)
    return parsed(knob, convert === undefined ? raw : convert(raw), `"${key}" in ${found.path}`)
  }
  return knob.fallback
}

function parsed(knob: Knob<unknown>, raw: unknown, where: string): unknown {
  try {
    return knob.parse(raw)
  } catch (error) {
    const shown = knob.secret ? 'the given value' : JSON.stringify(raw)
    throw usage(`Cannot use ${shown} for ${where}: ${sentenceOf(error)}`)
  }
}

function readFlags(knobs: Knobs, argv: readonly string[]): Record<string, unknown> {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: boolean }> = {
    config: { type: 'string', multiple: false },
  }
  for (const knob of Object.values(knobs)) {
    options[knob.flag] = { type: knob.bare ? 'boolean' : 'string', multiple: knob.repeatable }
  }
  try {
    return { ...parseArgs({ args: [...argv], options, strict: true, allowNegative: true }).values }
  } catch (error) {
    throw usage(`Cannot read the command line: ${sentenceOf(error).split('. ')[0]}`)
  }
}

function readFile(path: string, knobs: Knobs): ReadonlyMap<string, unknown> {
  const tree = parseFile(path)
  const known = new Set(Object.values(knobs).flatMap((k) => [k.key, ...k.aliases.map((a) => a.key)]))
  const flat = new Map<string, unknown>()
  flatten(tree, '', known, flat)
  const unknown = [...flat.keys()].filter((key) => !known.has(key))
  if (unknown.length > 0) {
    throw usage(`Cannot use ${path}: unknown key${unknown.length > 1 ? 's' : ''} ${unknown.join(', ')}`)
  }
  return flat
}

function parseFile(path: string): unknown {
  try {
    const bytes = readFileSync(path)
    if (bytes.length > FILE_BYTES_MAX) throw new Error(`larger than ${FILE_BYTES_MAX} bytes`)
    return parseYaml(bytes.toString('utf8'), { maxAliasCount: 100 })
  } catch (error) {
    throw usage(`Cannot read the configuration file ${path}: ${sentenceOf(error).split('\n')[0]}`)
  }
}

function flatten(
  tree: unknown,
  prefix: string,
  known: ReadonlySet<string>,
  into: Map<string, unknown>,
): void {
  if (tree === null || tree === undefined) return
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    throw usage('Cannot use the configuration file: expected keys and values at its top')
  }
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix === '' ? name : `${prefix}.${name}`
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (nested && !known.has(key)) flatten(value, key, known, into)
    else into.set(key, value)
  }
}

function usage(message: string): RequestError {
  return new RequestError(400, 'USAGE', message)
}

/** The lines of `--help`, one knob each. */
export function helpOf(knobs: Knobs): string {
  const rows = Object.values(knobs).map((knob) => [
    `--${knob.flag}${knob.bare ? '' : ` <${knob.unit}>`}`,
    `${knob.meaning} [${knob.env}${shownFallback(knob)}]`,
  ])
  const config = ['--config <file>', 'A YAML or JSON file with the same keys. [ORCHESTRIFY_CONFIG]']
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0)) + 2
  return [...rows, config].map(([l, r]) => `  ${(l ?? '').padEnd(width)}${r}`).join('\n')
}

function shownFallback(knob: Knob<unknown>): string {
  if (knob.fallback === undefined || knob.secret) return ''
  return `, default ${Array.isArray(knob.fallback) ? knob.fallback.join(',') || 'none' : knob.fallback}`
}
