/** What this proxy reads from files, declared once and parsed once. */
import { z } from 'zod'
import {
  balanceSchema,
  endpointSchema,
  routeFragmentSchema,
  routeRevisionSchema,
  routeRuleSchema,
  serviceMeasurementSchema,
} from '../shared/protocol.ts'

/** The table that an earlier life of this proxy kept. */
export const savedTableSchema = z.object({
  epoch: z.number().int().nonnegative(),
  revision: routeRevisionSchema,
  fragments: z.array(routeFragmentSchema),
})

/** A fixed table as its user writes it. */
export const staticRoutesSchema = z.strictObject({
  services: z.array(
    z.strictObject({
      name: z.string().min(1).max(128),
      image: z.string().exactOptional(),
      endpoints: z.array(
        z.union([
          z.string(),
          z.strictObject({ address: z.string(), weight: endpointSchema.shape.weight }),
        ]),
      ),
      routes: z.array(z.strictObject(routeRuleSchema.shape)).default([]),
      objective: z.string().default('p95 < 100ms'),
      balance: balanceSchema.shape.policy.default('queue'),
      sticky: balanceSchema.shape.sticky.default('none'),
      concurrency: routeFragmentSchema.shape.concurrency,
    }),
  ),
})

/** What a process of this proxy that is leaving says of itself. */
export const leaverStateSchema = z.object({
  routes: routeRevisionSchema,
  inFlight: z.record(z.string(), z.number().int().nonnegative()),
})

export const measuredSchema = z.array(serviceMeasurementSchema)

/** An answer that nobody reads. */
export const anySchema = z.unknown()

export type StaticService = z.infer<typeof staticRoutesSchema>['services'][number]

/** The value, or one sentence that names the first place where it is wrong. */
export function parseOr<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`)
}
