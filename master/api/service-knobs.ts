/** What a service gets that does not say it: knobs of the master. */
import type { ConfigOf } from '../../shared/config.ts'
import { parseRegistryPrefix } from '../../shared/image-reference.ts'
import {
  choice,
  duration,
  flag,
  inSeconds,
  type Knob,
  type KnobText,
  number,
  text,
} from '../../shared/knob.ts'
import { parseMemoryMb } from './memory.ts'
import { objectiveText, parseObjective } from './objective.ts'

/** 16 TB. */
const MEMORY_MAX_MB = 16 * 1024 * 1024

const services = {
  objective: objective({
    flag: 'objective',
    fallback: 'p95 < 100ms',
    meaning: 'The latency objective of a service that does not say it.',
  }),
  serviceMin: number(
    { min: 1, max: 10_000, unit: 'replicas' },
    {
      flag: 'service-min',
      fallback: 1,
      meaning: 'The fewest replicas of a service that does not say it.',
      aliases: [{ key: 'scaling.min' }, { key: 'scaling.min_instances' }],
    },
  ),
  serviceMax: number(
    { min: 1, max: 10_000, unit: 'replicas' },
    {
      flag: 'service-max',
      fallback: 10,
      meaning: 'The most replicas of a service that does not say it.',
      aliases: [{ key: 'scaling.max' }, { key: 'scaling.max_instances' }],
    },
  ),
  autoscale: flag({
    flag: 'autoscale',
    fallback: true,
    meaning: 'Whether services that do not say it are scaled.',
    aliases: [{ key: 'scaling.auto_scaling' }],
  }),
  cpuLimit: number(
    { min: 0.01, max: 1_024, unit: 'cores', whole: false },
    {
      flag: 'cpu-limit',
      fallback: 1,
      meaning: 'The most CPU a replica may use.',
      aliases: [{ key: 'orchestrator.default_cpu_limit' }],
    },
  ),
  memoryLimitMb: memory({
    flag: 'memory-limit',
    fallback: 512,
    meaning: 'The most memory a replica may use.',
    aliases: [{ key: 'orchestrator.default_memory_limit' }],
  }),
  cpuReserved: number(
    { min: 0, max: 1_024, unit: 'cores', whole: false },
    { flag: 'cpu-reserve', fallback: 0.1, meaning: 'The CPU that placement counts per replica.' },
  ),
  memoryReservedMb: memory({
    flag: 'memory-reserve',
    fallback: 64,
    meaning: 'The memory that placement counts per replica.',
  }),
  registry: registry(),
  pidsMax: number(
    { min: 1, max: 4_194_304, unit: 'processes' },
    {
      flag: 'pids-limit',
      fallback: 1_000,
      meaning: 'The most processes and threads inside a replica.',
    },
  ),
  stopGraceMs: duration({
    flag: 'stop-grace',
    fallback: 10_000,
    meaning: 'How long a replica may take to end by itself.',
  }),
}

const health = {
  healthType: choice(['image', 'tcp', 'http', 'none'], {
    flag: 'health-type',
    fallback: 'image',
    meaning:
      'How replicas are asked whether they are well: image is the check that the image brings, ' +
      'else a connection to its port; http asks for /health.',
    aliases: [{ key: 'health_check.type', convert: (raw) => String(raw).toLowerCase() }],
  }),
  healthEveryMs: duration({
    flag: 'health-every',
    fallback: 10_000,
    meaning: 'How often replicas are asked.',
    aliases: [inSeconds('health_check.interval')],
  }),
  healthTimeoutMs: duration({
    flag: 'health-timeout',
    fallback: 5_000,
    meaning: 'How long the answer may take.',
    aliases: [inSeconds('health_check.timeout')],
  }),
  healthFailuresMax: number(
    { min: 1, max: 100 },
    {
      flag: 'health-failures',
      fallback: 3,
      meaning: 'So many failures in a row make a replica unhealthy.',
      aliases: [{ key: 'health_check.unhealthy_threshold' }],
    },
  ),
  healthSuccessesMin: number(
    { min: 1, max: 100 },
    {
      flag: 'health-successes',
      fallback: 2,
      meaning: 'So many successes in a row make it serve again.',
      aliases: [{ key: 'health_check.healthy_threshold' }],
    },
  ),
  startMaxMs: duration({
    flag: 'start-max',
    fallback: 60_000,
    meaning: 'How long a replica may take from its start to its first passing probe.',
  }),
}

export const serviceKnobs = { ...services, ...health }

export type ServiceDefaults = ConfigOf<typeof serviceKnobs>

function registry(): Knob<string | undefined> {
  const described = text<undefined>({
    flag: 'registry',
    fallback: undefined,
    meaning: 'Where images that name no registry come from, such as registry:5000/team.',
    aliases: [{ key: 'images' }],
  })
  const parse = (raw: unknown): string => parseRegistryPrefix(String(raw))
  return { ...described, unit: 'registry', parse }
}

function memory(declared: KnobText<number>): Knob<number> {
  const knob = number({ min: 1, max: MEMORY_MAX_MB, unit: 'memory', whole: false }, declared)
  return { ...knob, parse: parseMemoryMb }
}

function objective(declared: KnobText<string>): Knob<string> {
  const checked = (raw: unknown): string => objectiveText(parseObjective(raw))
  return { ...text(declared), unit: 'objective', parse: checked }
}
