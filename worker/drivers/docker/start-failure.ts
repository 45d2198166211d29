/** What the engine says when a container cannot be made or started, put shortly. Pure. */
import { RequestError } from '../../../shared/errors.ts'
import { type EngineError, isRefused } from './engine-error.ts'

/** Names of layers through which the engine hands on what its runtime said. */
const NOISE = [
  /^.*\bOCI runtime (create|start|exec) failed: /s,
  /^failed to create (task for container|shim task|shim): /,
  /^(runc (create|run|start) failed|exec failed|container_linux\.go:\d+|process_linux\.go:\d+): /,
  /^(unable to start container process|starting container process caused): /,
  /^error during container init: /,
  /^Error response from daemon: /,
  /: unknown$/,
  /: <nil>$/,
]

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/exec: "([^"]*)": executable file not found/, 'its image has no program "$1"'],
  [/exec: "([^"]*)": stat [^:]*: no such file/, 'its image has no program "$1"'],
  [/exec: "([^"]*)": .*permission denied/, '"$1" in its image may not be run'],
  [/unable to find user ([^:]+): no matching/, 'its image has no user "$1"'],
  [/unable to find group ([^:]+): no matching/, 'its image has no group "$1"'],
  [/no command specified/i, 'neither it nor its image names a command'],
]

export function shortened(said: string): string {
  for (const [pattern, words] of KNOWN) {
    const found = pattern.exec(said)
    if (found !== null) return words.replace('$1', found[1] ?? '')
  }
  let text = said.trim()
  for (let before = ''; before !== text; ) {
    before = text
    for (const noise of NOISE) text = text.replace(noise, '')
  }
  return text
}

const TAKEN = /port is already allocated|address already in use/

export interface Tried {
  readonly serviceName: string
  readonly port: number
  readonly host: string
}

/** What the caller is told; what is not about this replica is handed on as it is. */
export function startFailure(error: EngineError, { serviceName, port, host }: Tried): Error {
  if (!isRefused(error)) return error
  const cannot = `Cannot start "${serviceName}"`
  if (TAKEN.test(error.reason)) {
    const message = `${cannot}: port ${port} of ${host} is in use`
    return new RequestError(409, 'PORT_IN_USE', message, [shortened(error.reason)])
  }
  return new RequestError(422, 'START', `${cannot}: ${shortened(error.reason)}`)
}
