import type { ErrorBody } from '../../shared/api.ts'
import { RequestError, sentenceOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { Compacted, Conflict, Fenced } from '../store/store.ts'

export interface Refusal {
  readonly status: number
  readonly body: ErrorBody
}

/** What the caller is told of anything that was thrown; what it cannot mend goes to the log. */
export function refusalOf(error: unknown, log: Log): Refusal {
  const known = knownRefusal(error)
  if (known !== undefined) return refusal(known)
  log.error('request failed', { reason: sentenceOf(error), stack: stackOf(error) })
  const message = 'Cannot serve this request: the master failed; its log says why'
  return refusal(new RequestError(500, 'INTERNAL_ERROR', message))
}

function refusal({ status, code, message, details }: RequestError): Refusal {
  const more = details.length === 0 ? {} : { details }
  return { status, body: { error: { code, message, ...more } } }
}

function knownRefusal(error: unknown): RequestError | undefined {
  if (error instanceof RequestError) return error
  if (error instanceof Compacted) return new RequestError(410, 'COMPACTED', error.message)
  if (error instanceof Fenced || error instanceof Conflict) {
    const message = 'Cannot change anything here: another master leads'
    return new RequestError(503, 'SERVICE_UNAVAILABLE', message)
  }
  return fromFramework(error)
}

const BODY_FAULTS: Readonly<Record<string, readonly [number, string, string]>> = {
  'entity.parse.failed': [400, 'MALFORMED_JSON', 'it is not JSON'],
  'entity.too.large': [413, 'PAYLOAD_TOO_LARGE', 'it is too large'],
  'request.size.invalid': [400, 'MALFORMED_REQUEST', 'its length is not the announced one'],
  'request.aborted': [400, 'MALFORMED_REQUEST', 'it ended early'],
  'encoding.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE', 'compressed bodies are not read'],
  'charset.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE', 'only UTF-8 is read'],
}

/** The framework marks what the client did wrong with a status below 500. */
function fromFramework(error: unknown): RequestError | undefined {
  if (!(error instanceof Error)) return undefined
  const fault = 'type' in error ? BODY_FAULTS[String(error.type)] : undefined
  if (fault !== undefined) {
    const [status, code, state] = fault
    return new RequestError(status, code, `Cannot read the body: ${state}`)
  }
  const status = 'status' in error ? Number(error.status) : 500
  if (!(status >= 400 && status < 500)) return undefined
  return new RequestError(status, 'MALFORMED_REQUEST', `Cannot read the request: ${error.message}`)
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined
}
