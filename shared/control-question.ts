/** One question and its answer, from whichever master gives it in time. */
import type { Response } from 'node-fetch'
import { type CallDeadline, startDeadline } from './call-deadline.ts'
import { refusalOf, unexpected } from './control-answer.ts'
import type { Failover } from './failover.ts'
import type { MasterChannel } from './master-channel.ts'
import { MasterUnreachable } from './master-unreachable.ts'

export interface Question {
  readonly method: string
  readonly path: string
  readonly accept?: string | undefined
  readonly body?: string | undefined
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
  readonly idempotent?: boolean | undefined
}

/** A snapshot of the routes to 150,000 replicas is about half of it. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** The text of a good answer. */
export async function ask(failover: Failover<MasterChannel>, question: Question): Promise<string> {
  question.signal?.throwIfAborted()
  const deadline = startDeadline(question.deadlineMs, question.signal)
  try {
    const plan = { idempotent: isIdempotent(question), deadline }
    return await failover.run(plan, (channel) => askOne(channel, question, deadline))
  } catch (error) {
    question.signal?.throwIfAborted()
    if (!deadline.isOver()) throw error
    const origin = failover.asked()?.origin
    const message = `Cannot reach the master at ${origin}: no answer within ${question.deadlineMs} ms`
    throw new MasterUnreachable(message, { cause: error })
  } finally {
    deadline.end()
  }
}

async function askOne(
  channel: MasterChannel,
  question: Question,
  deadline: CallDeadline,
): Promise<string> {
  const { method, path, body } = question
  const response = await channel.send({
    method,
    path,
    headers: {
      accept: question.accept ?? 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body,
    signal: deadline.signal,
    answerBytesMax: ANSWER_BYTES_MAX,
  })
  const text = await readText(`${method} ${path}`, response)
  if (response.ok) return text
  throw refusalOf(`${method} ${path}`, response.status, text)
}

async function readText(asked: string, response: Response): Promise<string> {
  try {
    return await response.text()
  } catch (error) {
    const isTooLarge = error instanceof Error && 'type' in error && error.type === 'max-size'
    if (!isTooLarge) throw error
    throw unexpected(asked, `the answer is larger than ${ANSWER_BYTES_MAX} bytes`)
  }
}

function isIdempotent(question: Question): boolean {
  return question.idempotent ?? (question.method !== 'POST' && question.method !== 'PATCH')
}
