/** What people see of replicas over the workers' streams: output, commands, the progress of starts. */
import { z } from 'zod'

const id = z.string().min(1).max(128)
const count = z.number().int().nonnegative()
const amount = z.number().nonnegative()

const replicaId = { replica: id }
export const terminalSizeSchema = z.object({
  columns: z.number().int().min(1).max(10_000),
  rows: z.number().int().min(1).max(10_000),
})

/** What the master asks of a worker over the worker's own WebSocket, one stream for each. */
export const streamRequestSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('logs'),
    ...replicaId,
    follow: z.boolean(),
    tail: count.exactOptional(),
    sinceMs: amount.exactOptional(),
  }),
  z.object({
    kind: z.literal('exec'),
    ...replicaId,
    command: z.array(z.string()).min(1),
    terminal: terminalSizeSchema.exactOptional(),
  }),
  /** How far the start of a replica is; ends when it runs or has failed. */
  z.object({ kind: z.literal('progress'), ...replicaId }),
])

/** One line that a replica printed. */
export const logLineSchema = z.object({
  stream: z.enum(['stdout', 'stderr']),
  atMs: amount.exactOptional(),
  text: z.string(),
})

/** What happens before a replica runs; the bytes are those of its image, as far as they are known. */
export const startProgressSchema = z.object({
  text: z.string(),
  doneBytes: amount.exactOptional(),
  totalBytes: amount.exactOptional(),
})

export type StreamRequest = z.infer<typeof streamRequestSchema>
export type LogLine = z.infer<typeof logLineSchema>
export type StartProgress = z.infer<typeof startProgressSchema>
