import { RequestError } from '../../../shared/errors.ts'
import { mayUseOld, type PullFailure, type PullFailureKind } from '../../decide/pull-failure.ts'

/** Why an image did not come, in one sentence that names it. */
export class PullError extends RequestError {
  /** Whether an image that is here already may serve in its place. */
  readonly mayUseOld: boolean

  constructor(image: string, failure: PullFailure) {
    const { status, code } = ANSWERS[failure.kind]
    super(status, code, `Cannot pull ${image}: ${failure.clause}`)
    this.mayUseOld = mayUseOld(failure)
  }
}

interface Answer {
  readonly status: number
  readonly code: string
}

const ANSWERS: Readonly<Record<PullFailureKind, Answer>> = {
  'not-found': { status: 404, code: 'IMAGE_NOT_FOUND' },
  denied: { status: 403, code: 'IMAGE_DENIED' },
  unreachable: { status: 502, code: 'REGISTRY_UNREACHABLE' },
  busy: { status: 429, code: 'REGISTRY_BUSY' },
  'no-space': { status: 507, code: 'NO_SPACE' },
  'other-machine': { status: 422, code: 'IMAGE_UNFIT' },
  late: { status: 504, code: 'PULL_TIMED_OUT' },
  other: { status: 502, code: 'PULL_FAILED' },
}
