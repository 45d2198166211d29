import { nodesAnswer } from '../answers.ts'
import type { Api } from '../api.ts'

const CONTAINERS = 'orchestrify run NAME --image IMAGE'
const PROCESSES = 'orchestrify run NAME -- COMMAND...'

/** What to run next, by what the workers can run. */
export async function nextStep(api: Pick<Api, 'get'>): Promise<string> {
  const drivers = await api.get('/v1/nodes').then(
    (raw) => new Set<string>(nodesAnswer(raw).nodes.map(({ driver }) => driver)),
    // It is only a hint: everything runs, and who cannot ask now is told both ways.
    () => new Set<string>(),
  )
  if (drivers.size !== 1) return `${CONTAINERS}, or: ${PROCESSES}`
  return drivers.has('docker') ? CONTAINERS : PROCESSES
}
