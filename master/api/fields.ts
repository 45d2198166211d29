/** What single fields of a service may hold; each message completes `<field>: …`. */
import { z } from 'zod'
import { sentenceOf } from '../../shared/errors.ts'
import { parseDuration } from '../../shared/knob.ts'
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

const HOST = '(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)'
const PORT = '(?::[0-9]{1,5})'
const REGISTRY = `(?:${HOST}(?:\\.${HOST})+${PORT}?|${HOST}${PORT}|localhost|\\[[0-9a-fA-F:]+\\]${PORT}?)`
const PATH_PART = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*'
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const DIGEST = '[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,128}'
const IMAGE = new RegExp(
  `^(?:${REGISTRY}/)?${PATH_PART}(?:/${PATH_PART})*(?::${TAG})?(?:@${DIGEST})?$`,
)

export const image = z
  .string()
  .max(512)
  .regex(IMAGE, 'expected an image like registry:5000/path/name:tag or name@sha256:…')

export const argument = z.string().max(ARGUMENT_LENGTH_MAX).refine(hasNoNul, NUL)
export const environmentKey = z
  .string()
  .max(256)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected a name of letters, digits and underscores')
export const environmentValue = z.string().max(ARGUMENT_LENGTH_MAX).refine(hasNoNul, NUL)

export const port = z.number().int().min(1).max(65_535)
export const replicas = z.number().int().min(1).max(10_000)

/** The host's own network would take a container out of its isolation. */
export const network = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'expected the name of a network')
  .refine((given) => given !== 'host', 'the network of the host is not allowed')

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

function attempt<T>(read: () => T, context: z.RefinementCtx): T {
  try {
    return read()
  } catch (error) {
    context.addIssue({ code: 'custom', message: sentenceOf(error) })
    return z.NEVER
  }
}

function hasNoNul(text: string): boolean {
  return !text.includes('\0')
}
