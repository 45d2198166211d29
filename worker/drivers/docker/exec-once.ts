/** Runs a health command to its end, or ends it when the time is over. */
import type { Readable } from 'node:stream'
import { startDeadline } from '../../../shared/call-deadline.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { ExecResult } from '../driver.ts'
import { Exec, type ExecParts } from './exec.ts'
import { unframed } from './frames.ts'

export interface Command {
  readonly container: string
  readonly command: readonly string[]
  readonly timeoutMs: number
}

/** Of what a health command prints, only this much is of interest. */
const OUTPUT_BYTES_MAX = 4_096
const TIMED_OUT = 124

export async function execOnce(
  parts: ExecParts,
  { container, command, timeoutMs }: Command,
): Promise<ExecResult> {
  const limit = startDeadline(timeoutMs)
  let exec: Exec | undefined
  let stream: Readable | undefined
  try {
    exec = await Exec.create(parts, container, { Cmd: [...command] }, limit.signal)
    stream = await exec.start({ hijack: false, stdin: false }, limit.signal)
    const output = await gather(stream)
    limit.signal.throwIfAborted()
    return { code: await exec.code(), output }
  } catch (error) {
    if (!limit.isOver()) throw error
    // Not waited for: an engine that does not answer must not hold up the verdict.
    exec?.kill().catch((reason: unknown) => {
      parts.log.warn('command goes on', { container, reason: sentenceOf(reason) })
    })
    return { code: TIMED_OUT, output: `took longer than ${timeoutMs} ms` }
  } finally {
    limit.end()
    stream?.destroy()
  }
}

async function gather(stream: Readable): Promise<string> {
  let output = Buffer.alloc(0)
  for await (const { bytes } of unframed(stream)) {
    // The rest is read and dropped: the command must not wait for somebody to take it.
    if (output.length < OUTPUT_BYTES_MAX) output = Buffer.concat([output, bytes])
  }
  return output.subarray(0, OUTPUT_BYTES_MAX).toString('utf8').trim()
}
