import type { Tone } from './screen.ts'

const TONES: Readonly<Record<string, Tone>> = {
  ready: 'good',
  serving: 'good',
  busy: 'warn',
  suspect: 'warn',
  cordoned: 'warn',
  draining: 'warn',
  waiting: 'warn',
  pending: 'warn',
  unknown: 'warn',
  lost: 'bad',
  failed: 'bad',
  unhealthy: 'bad',
}

export function toneOf(state: string): Tone | undefined {
  return TONES[state]
}
