import { RequestError } from '../../shared/errors.ts'
import { nodeAnswer, replicaAnswer } from './answers.ts'
import type { Api } from './api.ts'
import type { Arguments } from './arguments.ts'
import type { Session } from './command.ts'
import { CliError, EXIT_INTERRUPTED } from './failure.ts'
import { pathOf } from './listing.ts'

const LOOK_EVERY_MS = 250
const DRAIN_WAIT_MS = 180_000

/** Ends when its replicas run elsewhere and its entry is gone. */
export async function deleteNode(id: string, args: Arguments, session: Session): Promise<number> {
  const api = await session.connect(args)
  const node = nodeAnswer(await api.get(pathOf('nodes', id)))
  await api.send('DELETE', pathOf('nodes', node.id))
  await untilGone(api, pathOf('nodes', node.id), `node "${node.name}"`, session)
  session.screen.print(`Node "${node.name}" is removed; what it ran runs elsewhere.`)
  return 0
}

export async function deleteReplica(
  id: string,
  args: Arguments,
  session: Session,
): Promise<number> {
  const api = await session.connect(args)
  const replica = replicaAnswer(await api.get(pathOf('replicas', id)))
  await api.send('DELETE', pathOf('replicas', replica.id))
  const path = pathOf('replicas', replica.id)
  await untilGone(api, path, `a replica of "${replica.serviceName}"`, session)
  session.screen.print(`A replica of "${replica.serviceName}" is removed and not replaced.`)
  return 0
}

async function untilGone(api: Api, path: string, what: string, session: Session): Promise<void> {
  const untilMs = session.clock.nowMs() + DRAIN_WAIT_MS
  while (await exists(api, path)) {
    if (session.signal.aborted) {
      throw new CliError(`Stopped waiting for ${what}; it goes on draining`, {
        exitCode: EXIT_INTERRUPTED,
      })
    }
    if (session.clock.nowMs() > untilMs) {
      throw new CliError(`Cannot wait longer for ${what}: it still drains`, {
        next: 'Look with "orchestrify procs"; a replica that fits nowhere else keeps it.',
      })
    }
    await session.clock.sleep(LOOK_EVERY_MS, session.signal)
  }
}

async function exists(api: Api, path: string): Promise<boolean> {
  try {
    await api.get(path)
    return true
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return false
    if (error instanceof RequestError && error.status === 410) return false
    throw error
  }
}
