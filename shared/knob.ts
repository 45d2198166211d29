/** What can be set, declared once: flag, environment variable, file key, default, unit, meaning. */
export interface Knob<T> {
  readonly flag: string
  readonly env: string
  /** The key in a `--config` file. */
  readonly key: string
  /** Older names of the same thing in a file; `unitMs` says what one unit of a bare number is. */
  readonly aliases: readonly KnobAlias[]
  readonly fallback: T
  /** How the documentation words a default that differs from machine to machine. */
  readonly fallbackShown: string | undefined
  readonly unit: string
  readonly meaning: string
  readonly secret: boolean
  /** A flag that stands alone, like `--insecure`. */
  readonly bare: boolean
  readonly repeatable: boolean
  /** Throws a sentence about the value alone; the reader adds where it came from. */
  parse(raw: unknown): T
}

export interface KnobAlias {
  readonly key: string
  /** Turns what that key means into what this knob takes, e.g. seconds into `30s`. */
  readonly convert?: (raw: unknown) => unknown
}

export interface KnobText<T> {
  readonly flag: string
  readonly env?: string
  readonly fallback: T
  readonly fallbackShown?: string
  readonly meaning: string
  readonly aliases?: readonly KnobAlias[]
  readonly secret?: boolean
}

export function text<T extends string | undefined>(declared: KnobText<T>): Knob<T | string> {
  return knob<T | string>(declared, 'text', (raw) => {
    if (isText(raw)) return raw
    throw new Error('expected a text that is not empty')
  })
}

/** Several values: the flag repeats, commas separate. */
export function texts(declared: KnobText<readonly string[]>): Knob<readonly string[]> {
  const list = knob<readonly string[]>(declared, 'list', (raw) => {
    const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
    const items = given.flatMap((one) => (typeof one === 'string' ? one.split(',') : [one]))
    const trimmed = items.map((item) => (typeof item === 'string' ? item.trim() : item))
    if (trimmed.every(isText)) return trimmed
    throw new Error('expected a list of texts that are not empty')
  })
  return { ...list, repeatable: true }
}

function isText(raw: unknown): raw is string {
  return typeof raw === 'string' && raw !== ''
}

export function choice<const T extends string>(
  options: readonly T[],
  declared: KnobText<NoInfer<T>>,
): Knob<T> {
  return knob<T>(declared, options.join(' | '), (raw) => {
    const found = options.find((option) => option === raw)
    if (found !== undefined) return found
    throw new Error(`expected one of ${options.join(', ')}`)
  })
}

export function flag(declared: KnobText<boolean>): Knob<boolean> {
  const parsed = knob<boolean>(declared, 'yes or no', (raw) => {
    const said = String(raw).toLowerCase()
    if (['true', '1', 'yes', 'on'].includes(said)) return true
    if (['false', '0', 'no', 'off'].includes(said)) return false
    throw new Error('expected true or false')
  })
  return { ...parsed, bare: true }
}

export interface Range {
  readonly min: number
  readonly max: number
  readonly unit?: string
  readonly whole?: boolean
}

export function number<T extends number | undefined>(
  range: Range,
  declared: KnobText<T>,
): Knob<T | number> {
  return knob<T | number>(declared, range.unit ?? 'number', (raw) => {
    const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error('expected a number')
    const whole = range.whole === false || Number.isInteger(value)
    if (!whole) throw new Error('expected a whole number')
    if (value < range.min || value > range.max) {
      throw new Error(`expected ${range.min} to ${range.max}`)
    }
    return value
  })
}

export function port<T extends number | undefined>(declared: KnobText<T>): Knob<T | number> {
  return number({ min: 0, max: 65535, unit: 'port, 0 = any' }, declared)
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export interface DurationRange {
  readonly minMs?: number
  readonly maxMs?: number
}

/** Ten years: longer is a slip of the finger. */
const DURATION_MAX_MS = 315_360_000_000

/** Milliseconds, written `500ms`, `5s`, `2m`, `24h`, `7d`, or as a bare number of milliseconds. */
export function duration(declared: KnobText<number>, range: DurationRange = {}): Knob<number> {
  const { minMs = 0, maxMs = DURATION_MAX_MS } = range
  return knob<number>(declared, 'duration', (raw) => {
    const ms = parseDuration(raw)
    if (ms >= minMs && ms <= maxMs) return ms
    throw new Error(`expected ${minMs}ms to ${maxMs}ms`)
  })
}

export function parseDuration(raw: unknown): number {
  const given = typeof raw === 'string' || typeof raw === 'number' ? String(raw).trim() : ''
  const matched = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(given)
  const value = Number(matched?.[1]) * (UNITS_MS[matched?.[2] ?? 'ms'] ?? Number.NaN)
  if (Number.isFinite(value)) return value
  throw new Error('expected a duration like 500ms, 5s, 2m or 24h')
}

/** For aliases whose bare number means seconds. */
export function inSeconds(key: string): KnobAlias {
  return { key, convert: (raw) => (typeof raw === 'number' ? `${raw}s` : raw) }
}

function knob<T>(declared: KnobText<T>, unit: string, parse: (raw: unknown) => T): Knob<T> {
  return {
    flag: declared.flag,
    env: declared.env ?? `ORCHESTRIFY_${declared.flag.toUpperCase().replaceAll('-', '_')}`,
    key: declared.flag,
    aliases: declared.aliases ?? [],
    fallback: declared.fallback,
    fallbackShown: declared.fallbackShown,
    unit,
    meaning: declared.meaning,
    secret: declared.secret ?? false,
    bare: false,
    repeatable: false,
    parse,
  }
}
