import type { IncomingMessage } from 'node:http'
import { after } from '../../shared/clock.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import { type Caller, Exchange, type Failure, type Refusal } from '../exchange.ts'
import { COOKIE_PREFIX } from '../http1/answer-relay.ts'
import { failureAnswer, lateAnswer, type OwnAnswer, refusalAnswer, rejection } from '../http1/own-answer.ts'
import type { ServiceTraffic } from '../service-traffic.ts'
import { isEventStream, isPassable, shape } from './answer.ts'
import { type Asker, Attempt } from './attempt.ts'
import type { UnderWay } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Outbound } from './outbound.ts'
import { replyOwn } from './own-reply.ts'
import { Relay } from './relay.ts'
import { type Client, Upload } from './upload.ts'

/** One request under way: between the client who waits and the replica that is asked. */
export class Call implements Caller, Asker, UnderWay {
  readonly exchange: Exchange
  readonly upload: Upload
  readonly #client: Client
  readonly #out: Outbound
  readonly #parts: EngineParts
  readonly #cancelTotal: () => void
  #attempt: Attempt | undefined = undefined
  #attempts = 0
  /** A kept connection was stale: others may be. */
  #fresh = false
  #relay: Relay | undefined = undefined
  #over = false
}
