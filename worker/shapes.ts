/** What the worker reads back from its own disk, and answers that carry nothing. */
import { z } from 'zod'
import { assignedReplicaSchema } from '../shared/protocol.ts'

const port = z.number().int().min(1).max(65_535)

/** One process of Linux: a number alone may be given again, with its start it is unique. */
const processSchema = z.object({
  pid: z.number().int().min(2),
  /** Clock ticks after the boot. */
  startedTicks: z.number().int().nonnegative(),
  bootId: z.string(),
})

/** The process driver's note about one replica; without `process` its start was under way. */
export const ledgerSchema = z.object({
  assigned: assignedReplicaSchema,
  port,
  startedAtMs: z.number().nonnegative(),
  process: processSchema.optional(),
})

/** What the worker obeyed last: enough to go on without a master. */
export const rememberedSchema = z.object({
  epoch: z.number().int().nonnegative(),
  node: z.string().min(1).max(128),
  address: z.string().min(1),
  replicas: z.array(assignedReplicaSchema),
})

/** The host ports that replicas keep across restarts. */
export const portsSchema = z.record(z.string(), port)

/** The driver that this worker joined with, and what it offered last. */
export const keptDriverSchema = z.object({
  driver: z.enum(['docker', 'process']),
  capacity: z.object({ cpus: z.number().positive(), memoryMb: z.number().positive() }),
})

export const lockSchema = processSchema

export const nothingSchema = z.unknown()

export type ProcessIdentity = z.infer<typeof processSchema>
export type LedgerEntry = z.infer<typeof ledgerSchema>
export type KeptDriver = z.infer<typeof keptDriverSchema>
export type Remembered = z.infer<typeof rememberedSchema>
