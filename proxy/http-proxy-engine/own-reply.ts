import type { ServerResponse } from 'node:http'
import { type OwnAnswer, ownAnswerFields, ownAnswerText } from '../http1/own-answer.ts'

/** Answers the client, unless an answer is under way already; then the connection is cut. */
export function replyOwn(response: ServerResponse, answer: OwnAnswer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const text = ownAnswerText(answer)
  response.writeHead(answer.status, ownAnswerFields(answer, text).flat())
  response.end(text)
}
