/** What a user writes about the container of a service; each message completes `<field>: …`. */
import { z } from 'zod'
import type { ServiceSpec } from '../../shared/model.ts'
import { attempt } from './attempt.ts'

const NETWORKS_MAX = 20
const VOLUMES_MAX = 100
const LABELS_MAX = 100
const LABEL_LENGTH_MAX = 4_096
const PATH_LENGTH_MAX = 1_024
/** What Linux knows at most. */
const PIDS_MAX = 4_194_304
const USER_ID_MAX = 2_147_483_647

const NO_HOST_PATH = 'a path of the host cannot be mounted, only a named volume'
const VOLUME_FORMS = 'expected NAME:/PATH or NAME:/PATH:ro'

/** The host's own network would take a container out of its isolation. */
const network = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'expected the name of a network')
  .refine((given) => given !== 'host', 'the network of the host is not allowed')
  .refine((given) => given !== 'none', 'without a network no request can reach it')

const volumeName = z
  .string()
  .refine((given) => !/^[/.~\\]/.test(given), { error: NO_HOST_PATH, abort: true })
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/,
    'expected the name of a volume: 2 to 128 letters, digits, _, . and -',
  )

/** No colon: the engine's own notation has no way to write one. */
const containerPath = z
  .string()
  .max(PATH_LENGTH_MAX)
  .regex(/^\/[^\0:]*[^\0:/]$/, 'expected an absolute path such as /var/lib/data')
  .refine((path) => !/\/(\/|\.{1,2}(\/|$))/.test(path), 'expected a path without . and ..')

const volume = z
  .unknown()
  .transform((raw, context) =>
    typeof raw === 'string' ? attempt(() => splitVolume(raw), context) : raw,
  )
  .pipe(
    z.strictObject({
      volume: volumeName,
      path: containerPath,
      readOnly: z.boolean().default(false),
    }),
  )

const labelKey = z
  .string()
  .regex(/^[\x21-\x3c\x3e-\x7e]{1,256}$/, 'expected 1 to 256 visible characters without =')
  .refine(
    (key) => !key.startsWith('orchestrify.'),
    'labels that begin with orchestrify. are not for users',
  )

const labelValue = z
  .string()
  .max(LABEL_LENGTH_MAX)
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character')

const NAME_OR_ID = '(?:[0-9]{1,10}|[a-zA-Z_][a-zA-Z0-9_.-]{0,31})'
const user = z
  .string()
  .regex(
    new RegExp(`^${NAME_OR_ID}(?::${NAME_OR_ID})?$`),
    'expected USER or USER:GROUP, names or numbers',
  )
  .refine(
    (given) => given.split(':').every((part) => !/^\d/.test(part) || Number(part) <= USER_ID_MAX),
    `expected numbers up to ${USER_ID_MAX}`,
  )

export const containerShape = {
  network: network.optional(),
  networks: z
    .array(network)
    .max(NETWORKS_MAX)
    .refine(areDistinct, 'one of them is named twice')
    .optional(),
  volumes: z
    .array(volume)
    .max(VOLUMES_MAX)
    .refine((all) => areDistinct(all.map(({ path }) => path)), 'two of them have the same path')
    .optional(),
  labels: z
    .record(labelKey, labelValue)
    .refine((all) => Object.keys(all).length <= LABELS_MAX, 'too many labels')
    .optional(),
  user: user.optional(),
  init: z.boolean().optional(),
  pull: z.enum(['missing', 'always']).optional(),
  pids: z.number().int().min(1).max(PIDS_MAX).optional(),
}

const shape = z.object(containerShape)
export type ContainerInput = z.infer<typeof shape>

export function namesOneOrMany({ network, networks }: ContainerInput): boolean {
  return network === undefined || networks === undefined
}

type ContainerFields = 'networks' | 'volumes' | 'labels' | 'user' | 'init' | 'pull'

export function containerOf(input: ContainerInput): Pick<ServiceSpec, ContainerFields> {
  const { network, user } = input
  return {
    networks: input.networks ?? (network === undefined ? [] : [network]),
    volumes: input.volumes ?? [],
    labels: input.labels ?? {},
    init: input.init ?? true,
    pull: input.pull ?? 'missing',
    ...(user === undefined ? {} : { user }),
  }
}

/** `data:/var/lib/data:ro`; what the parts may be is checked after. */
function splitVolume(text: string): object {
  const [volume, path, mode, ...more] = text.split(':')
  if (path === undefined && text.startsWith('/')) throw new Error(`${VOLUME_FORMS}, with a name`)
  const isMode = mode === undefined || mode === 'ro' || mode === 'rw'
  if (path === undefined || !isMode || more.length > 0) throw new Error(VOLUME_FORMS)
  return { volume, path, readOnly: mode === 'ro' }
}

function areDistinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length
}
