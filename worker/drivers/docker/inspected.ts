/** What the engine tells of a container, as far as it is used here. */
import { z } from 'zod'

const probed = z.object({ Output: z.string().nullish() })

const health = z.object({ Status: z.string(), Log: z.array(probed).nullish() })

const stateSchema = z.object({
  Status: z.string(),
  Running: z.boolean(),
  Paused: z.boolean().default(false),
  OOMKilled: z.boolean().default(false),
  Pid: z.number().default(0),
  ExitCode: z.number(),
  Error: z.string().default(''),
  StartedAt: z.string(),
  FinishedAt: z.string(),
  Health: health.nullish(),
})

const inspectedSchema = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Image: z.string(),
  State: stateSchema,
  Config: z.object({
    Labels: z.record(z.string(), z.string()).nullish(),
    Env: z.array(z.string()).nullish(),
  }),
  HostConfig: z.object({ Memory: z.number().nullish() }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }),
})

export type State = z.infer<typeof stateSchema>

/** One look at a container. */
export interface Inspected {
  readonly id: string
  /** Without the slash that the engine puts before it. */
  readonly name: string
  readonly imageId: string
  readonly state: State
  readonly labels: Readonly<Record<string, string>>
  readonly environment: readonly string[]
  readonly memoryBytes: number
  readonly networks: readonly string[]
}

export function readInspected(answer: unknown): Inspected {
  const { success, data } = inspectedSchema.safeParse(answer)
  if (!success) throw new Error('Cannot look at a container: the Docker Engine says too little')
  const { Id, Name, Image, State, Config, HostConfig, NetworkSettings } = data
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    imageId: Image,
    state: State,
    labels: Config.Labels ?? {},
    environment: Config.Env ?? [],
    memoryBytes: HostConfig.Memory ?? 0,
    networks: Object.keys(NetworkSettings.Networks ?? {}),
  }
}

/** Also a paused one runs: it holds its port and its memory. */
export function isRunning({ state }: Inspected): boolean {
  return state.Running || state.Paused
}

export function wasStarted({ state }: Inspected): boolean {
  // The engine writes the year 1 for never.
  return Date.parse(state.StartedAt) > 0
}
