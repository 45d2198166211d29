import { sentenceOf } from '../../shared/errors.ts'
import { parseDuration } from '../../shared/knob.ts'
import { usage } from './failure.ts'

export interface RawArguments {
  readonly words: readonly string[]
  /** What followed `--`. */
  readonly rest: readonly string[]
  readonly values: Readonly<Record<string, unknown>>
}

/** The words and flags of one call; every number is checked here, with the flag's name. */
export class Arguments {
  readonly words: readonly string[]
  readonly rest: readonly string[]
  readonly #values: Readonly<Record<string, unknown>>

  constructor({ words, rest, values }: RawArguments) {
    this.words = words
    this.rest = rest
    this.#values = values
  }

  word(at: number): string {
    return this.words[at] ?? ''
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    if (value === undefined) return undefined
    if (Array.isArray(value)) throw usage(`Cannot use --${name}: it is given ${value.length} times`)
    if (typeof value !== 'string' || value === '') throw usage(`Cannot use --${name}: no value`)
    return value
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name]
    if (value === undefined) return []
    return (Array.isArray(value) ? value : [value]).map(String)
  }

  flag(name: string): boolean | undefined {
    const value = this.#values[name]
    if (Array.isArray(value)) return value.at(-1) === true
    return typeof value === 'boolean' ? value : undefined
  }

  whole(name: string, min: number, max: number): number | undefined {
    const value = this.text(name)
    return value === undefined ? undefined : wholeNumber(value, `--${name}`, { min, max })
  }

  port(name: string): number | undefined {
    return this.whole(name, 0, 65_535)
  }

  durationMs(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    try {
      return parseDuration(value)
    } catch (error) {
      throw usage(`Cannot use "${value}" for --${name}: ${sentenceOf(error)}`)
    }
  }
}

export function wholeNumber(
  value: string,
  what: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw usage(`Cannot use "${value}" for ${what}: expected a whole number from ${min} to ${max}`)
  }
  return number
}
