/** Reads a program's knobs: flag over environment over `--config FILE` over default. */
import { parseArgs } from 'node:util'
import { shownDefault } from './config-docs.ts'
import { readConfigFile } from './config-file.ts'
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

/** Throws one sentence that names the flag, the variable or the file and key that is wrong. */
export function readConfig<K extends Knobs>(knobs: K, sources: ConfigSources): ConfigOf<K> {
  const flags = readFlags(knobs, sources.argv)
  const path = flags.config ?? (sources.environment.ORCHESTRIFY_CONFIG || undefined)
  const keys = Object.values(knobs).map((knob) => [knob.key, ...knob.aliases.map((a) => a.key)])
  const file = path === undefined ? new Map<string, unknown>() : readConfigFile(String(path), keys)
  const values = Object.entries(knobs).map(([name, knob]) => [
    name,
    knobValue(knob, { flags, environment: sources.environment, file, path: String(path) }),
  ])
  return Object.fromEntries(values) as ConfigOf<K>
}

interface Found {
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: ConfigSources['environment']
  readonly file: ReadonlyMap<string, unknown>
  readonly path: string
}

function knobValue(knob: Knob<unknown>, found: Found): unknown {
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

function usage(message: string): RequestError {
  return new RequestError(400, 'USAGE', message)
}

/** The lines of `--help`, one knob each. */
export function helpOf(knobs: Knobs): string {
  const rows = Object.values(knobs).map((knob) => [
    `--${knob.flag}${knob.bare ? '' : ` <${knob.unit}>`}`,
    `${knob.meaning} [${knob.env}${defaultOf(knob)}]`,
  ])
  const config = ['--config <file>', 'A YAML or JSON file with the same keys. [ORCHESTRIFY_CONFIG]']
  const width = Math.max(...rows.map(([left]) => left?.length ?? 0)) + 2
  return [...rows, config].map(([l, r]) => `  ${(l ?? '').padEnd(width)}${r}`).join('\n')
}

function defaultOf(knob: Knob<unknown>): string {
  const shown = shownDefault(knob)
  return shown === '' ? '' : `, default ${shown}`
}
