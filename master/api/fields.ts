/** What single fields of a service may hold; each message completes `<field>: …`. */
import { z } from 'zod'
import { parseImage } from '../../shared/image-reference.ts'
import { parseDuration } from '../../shared/knob.ts'
import { attempt } from './attempt.ts'
import { parseMemoryMb } from './memory.ts'
import { parseObjective } from './objective.ts'

const ARGUMENT_LENGTH_MAX = 32_768
const NUL = 'must not hold a NUL character'
const MEMORY_MIN_MB = 4
const CORES_MAX = 1_024
const MEMORY_MAX_MB = 16 * 1024 * 1024

export const name = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'expected 1 to 63 lower-case letters, digits and inner dashes',
  )

export const image = z.string().transform((text, context) =>
  attempt(() => {
    parseImage(text)
    return text
  }, context),
)

export const argument = z.string().max(ARGUMENT_LENGTH_MAX).refine(hasNoNul, NUL)
export const environmentKey = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected a name of letters, digits and underscores')
export const environmentValue = z.string().max(ARGUMENT_LENGTH_MAX).refine(hasNoNul, NUL)

export const port = z.number().int().min(1).max(65_535)
export const replicas = z.number().int().min(0).max(10_000)
export const replicasMax = replicas.min(1)

export const latencyObjective = z
  .union([
    z.string().max(64),
    z.strictObject({
      percentile: z.number().gt(0).lt(100),
      latencyTargetMs: z.number().positive(),
    }),
  ])
  .transform((raw, context) =>
    typeof raw === 'string' ? attempt(() => parseObjective(raw), context) : raw,
  )

/** A path of printable ASCII, as it stands in a request line. */
export const probePath = z
  .string()
  .max(1_024)
  .regex(/^\/[\x21-\x7e]*$/, 'expected a path like /health')

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
export const routeHost = z
  .string()
  .max(253)
  .toLowerCase()
  .regex(new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`), 'expected a host like shop.example.com')

/** Without the trailing slash: both forms match the same requests. */
export const routePath = z
  .string()
  .max(1_024)
  .regex(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/, 'expected a path like /api')
  .refine((path) => !/\/\.{0,2}\/|\/\.{1,2}$/.test(path), 'expected a path without empty parts')
  .transform((path) => path.replace(/\/+$/, '') || '/')

/** A duration as text (`10s`) or as whole milliseconds. */
export function spanMs(minMs: number, maxMs: number) {
  return z.union([z.string().max(32), z.number()]).transform((raw, context) =>
    attempt(() => {
      const ms = parseDuration(raw)
      if (Number.isInteger(ms) && ms >= minMs && ms <= maxMs) return ms
      throw new Error(`expected ${minMs} ms to ${maxMs} ms`)
    }, context),
  )
}

export const amountOfMemory = z.union([z.string().max(32), z.number()]).transform((raw, context) =>
  attempt(() => {
    const megabytes = parseMemoryMb(raw)
    if (megabytes >= MEMORY_MIN_MB && megabytes <= MEMORY_MAX_MB) return megabytes
    throw new Error(`expected ${MEMORY_MIN_MB} MB to ${MEMORY_MAX_MB} MB`)
  }, context),
)

/** Cores as a number, or as the same number in quotes. */
export const cores = z
  .union([z.number(), z.string().regex(/^\d{1,4}(\.\d{1,6})?$/, 'expected a number of cores')])
  .transform(Number)
  .pipe(z.number().min(0).max(CORES_MAX))

function hasNoNul(text: string): boolean {
  return !text.includes('\0')
}
