/** Whether requests get through: every live proxy has put in force a table that holds the service. */
import type { RouteRevision } from '../../shared/model.ts'
import { proxiesAnswer, routesAnswer } from './answers.ts'
import type { Api } from './api.ts'
import type { Session } from './command.ts'

const WAIT_MAX_MS = 5_000
const LOOK_EVERY_MS = 100

/** Gives up after a while: a proxy that hangs must not hold up who deploys. */
export async function untilRouted(api: Api, service: string, session: Session): Promise<void> {
  const { clock, signal } = session
  const untilMs = clock.nowMs() + WAIT_MAX_MS
  while (!signal.aborted && clock.nowMs() < untilMs) {
    if (await isRouted(api, service)) return
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

async function isRouted(api: Api, service: string): Promise<boolean> {
  const { proxies } = proxiesAnswer(await api.get('/v1/proxies'))
  if (proxies.length === 0) return true
  const { revision, fragments } = routesAnswer(await api.get('/v1/routes'))
  const fragment = fragments.find((candidate) => candidate.service === service)
  if (fragment === undefined || fragment.endpoints.length === 0) return false
  return proxies.every(({ routes }) => reaches(routes, revision))
}

/** The table of a proxy is written `EPOCH.SEQ`. */
function reaches(text: string, wanted: RouteRevision): boolean {
  const [epoch = 0, seq = 0] = text.split('.').map(Number)
  return epoch > wanted.epoch || (epoch === wanted.epoch && seq >= wanted.seq)
}
