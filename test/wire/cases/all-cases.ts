import type { WireCase } from '../support/wire-case.ts'
import { answers } from './answers.ts'
import { chunked } from './chunked.ts'
import { connections } from './connections.ts'
import { contentLength } from './content-length.ts'
import { expectContinue } from './expect.ts'
import { headerLines } from './header-lines.ts'
import { hopByHop } from './hop-by-hop.ts'
import { host } from './host.ts'
import { hostileAnswers } from './hostile-answers.ts'
import { limits } from './limits.ts'
import { requestLine } from './request-line.ts'
import { target } from './target.ts'
import { trailers } from './trailers.ts'
import { transferEncoding } from './transfer-encoding.ts'
import { webSocket } from './websocket.ts'

/** Written from RFC 9110, 9112 and 6455; where they leave a choice, the strict one. */
export const allCases: readonly WireCase[] = [
  ...requestLine,
  ...target,
  ...host,
  ...headerLines,
  ...contentLength,
  ...transferEncoding,
  ...chunked,
  ...trailers,
  ...expectContinue,
  ...hopByHop,
  ...connections,
  ...limits,
  ...webSocket,
  ...answers,
  ...hostileAnswers,
]
