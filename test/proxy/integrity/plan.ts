import { type Seeded, SOURCE } from './seeded.ts'

/** A stretch of the source, and how it is framed on its way. */
export interface Body {
  readonly offset: number
  readonly size: number
  readonly chunked: boolean
}

export type Fault =
  | { readonly kind: 'none' }
  /** The client resets or ends after so many bytes sent, or heard. */
  | { readonly kind: 'client-leaves'; readonly after: number; readonly when: 'sending' | 'hearing' }
  /** The replica cuts its connection after so many bytes of its answer's body; -1: instead of it. */
  | { readonly kind: 'replica-cuts'; readonly after: number }

export interface Plan {
  readonly up: Body | undefined
  readonly down: Body
  readonly slowWriter: boolean
  readonly slowReader: boolean
  readonly slowReplica: boolean
  readonly fault: Fault
}

const LARGE = 2 * 1024 * 1024
const FAULTY = 0.12
const SLOW = 0.06

/** One batch for one connection: several are pipelined, one may carry a body and a fault. */
export type Batch = readonly Plan[]

export function batchesOf(count: number, random: Seeded): readonly Batch[] {
  const batches: Batch[] = []
  for (let left = count; left > 0; ) {
    const size = random.chance(0.08) ? Math.min(left, random.between(2, 8)) : 1
    batches.push(Array.from({ length: size }, () => planOf(random, size > 1)))
    left -= size
  }
  return batches
}

/** What the replica must know of the plan, in the target of the request. */
export function targetOf({ up, down, slowReplica, fault }: Plan): string {
  const cut = fault.kind === 'replica-cuts' ? fault.after : ''
  const received = up === undefined ? '' : `${up.offset},${up.size}`
  const answered = `${down.offset},${down.size},${down.chunked ? 'chunked' : 'length'}`
  return `/s/web/x?up=${received}&down=${answered}&cut=${cut}&slow=${slowReplica ? 1 : ''}`
}

function planOf(random: Seeded, pipelined: boolean): Plan {
  const up = !pipelined && random.chance(0.5) ? bodyOf(random) : undefined
  const down = bodyOf(random)
  return {
    up,
    down,
    slowWriter: random.chance(SLOW),
    slowReader: random.chance(SLOW),
    slowReplica: random.chance(SLOW),
    fault: pipelined || !random.chance(FAULTY) ? { kind: 'none' } : faultOf(random, up, down),
  }
}

function faultOf(random: Seeded, up: Body | undefined, down: Body): Fault {
  if (random.chance(0.5)) {
    return { kind: 'replica-cuts', after: random.between(-1, Math.max(-1, down.size - 1)) }
  }
  if (up !== undefined && random.chance(0.5)) {
    return { kind: 'client-leaves', after: random.between(0, up.size), when: 'sending' }
  }
  return { kind: 'client-leaves', after: random.between(0, down.size), when: 'hearing' }
}

function bodyOf(random: Seeded): Body {
  const size = sizeOf(random)
  const offset = random.between(0, SOURCE.length - size)
  return { offset, size, chunked: random.chance(0.5) }
}

/** Mostly small as on the web, now and then large. */
function sizeOf(random: Seeded): number {
  const draw = random.next()
  if (draw < 0.05) return 0
  if (draw < 0.7) return random.scaled(1, 8_192)
  if (draw < 0.93) return random.scaled(8_192, 131_072)
  return random.scaled(131_072, LARGE)
}
