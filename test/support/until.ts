import { systemClock } from '../../shared/clock.ts'
import { sentenceOf } from '../../shared/errors.ts'

export interface UntilOptions {
  readonly timeoutMs?: number
  readonly everyMs?: number
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

/** Polls until the check answers something truthy; a check that throws is asked again. */
export async function until<T>(
  check: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 20_000, everyMs = 20 } = options
  const endsAtMs = systemClock.nowMs() + timeoutMs
  for (;;) {
    const outcome = await attempt(check)
    if (outcome.kind === 'value' && outcome.value) return outcome.value as Truthy<T>
    if (systemClock.nowMs() >= endsAtMs) throw unmet(check, timeoutMs, outcome)
    await systemClock.sleep(everyMs)
  }
}

type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'thrown'; readonly error: unknown }

async function attempt<T>(check: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'value', value: await check() }
  } catch (error) {
    return { kind: 'thrown', error }
  }
}

function unmet(check: () => unknown, timeoutMs: number, outcome: Outcome<unknown>): Error {
  const asked = String(check).replace(/\s+/g, ' ').slice(0, 300)
  if (outcome.kind === 'value') {
    return new Error(
      `Waited ${timeoutMs} ms: the last value was ${shown(outcome.value)} (${asked})`,
    )
  }
  const sentence = `Waited ${timeoutMs} ms: the last try failed: ${sentenceOf(outcome.error)}`
  return new Error(`${sentence} (${asked})`, { cause: outcome.error })
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
