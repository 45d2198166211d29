import type { Service, ServiceSpec } from '../../shared/model.ts'

/** What templates written by earlier versions mean by not saying it. */
const UNSAID = {
  networks: [],
  volumes: [],
  labels: {},
  init: true,
  pull: 'missing',
  balance: { policy: 'queue', sticky: 'none' },
} satisfies Partial<ServiceSpec>

const PIDS_MAX_UNSAID = 1_000

/** A service as this version knows it, whichever version wrote it down. */
export function completed(service: Service): Service {
  const { spec, previous } = service
  if (isComplete(spec) && previous.every((older) => isComplete(older.spec))) return service
  const olders = previous.map((older) => ({ ...older, spec: completedSpec(older.spec) }))
  return { ...service, spec: completedSpec(spec), previous: olders }
}

function isComplete(spec: ServiceSpec): boolean {
  const { resources } = spec
  return 'networks' in spec && 'pull' in spec && 'balance' in spec && 'pidsMax' in resources
}

function completedSpec(spec: ServiceSpec & { readonly network?: string }): ServiceSpec {
  const { network, ...rest } = spec
  const networks = rest.networks ?? (network === undefined ? [] : [network])
  const resources = { ...rest.resources, pidsMax: rest.resources.pidsMax ?? PIDS_MAX_UNSAID }
  return { ...UNSAID, ...rest, networks, resources }
}
