/** Asks `docker-credential-NAME` for what it keeps: Docker's own protocol, without a shell. */
import { type ChildProcess, spawn } from 'node:child_process'
import { z } from 'zod'
import { after } from '../../../shared/clock.ts'

export interface HelperAsked {
  readonly helper: string
  readonly registry: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface HelperAnswer {
  readonly username: string
  readonly secret: string
}

const DEADLINE_MS = 10_000
const OUTPUT_BYTES_MAX = 65_536
const NAME = /^[a-z0-9-]{1,64}$/
const answerSchema = z.object({ Username: z.string(), Secret: z.string() })

/**
 * Undefined when it keeps nothing for that registry. Throws an Error whose message never repeats
 * what the helper said: it may be the secret.
 */
export async function askHelper(asked: HelperAsked): Promise<HelperAnswer | undefined> {
  if (!NAME.test(asked.helper)) throw new Error('the name of its credential helper is not valid')
  const program = `docker-credential-${asked.helper}`
  const { code, output } = await ran(program, asked)
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined
    throw new Error(`${program} failed${code === null ? '' : ` with code ${code}`}`)
  }
  const answer = answerSchema.safeParse(parsed(output))
  if (!answer.success) throw new Error(`${program} answered something else than credentials`)
  const { Username: username, Secret: secret } = answer.data
  return username === '' && secret === '' ? undefined : { username, secret }
}

interface Ran {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly output: string
}

function ran(program: string, { registry, environment }: HelperAsked): Promise<Ran> {
  return new Promise((resolve, reject) => {
    // Of a group of its own, so that what it starts ends with it.
    const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore']
    const child = spawn(program, ['get'], { env: { ...environment }, stdio, detached: true })
    const chunks: Buffer[] = []
    let size = 0
    const fail = (reason: string): void => {
      cancel()
      endGroup(child)
      child.stdout.destroy()
      reject(new Error(`${program} ${reason}`))
    }
    const cancel = after(DEADLINE_MS, () => fail(`did not answer within ${DEADLINE_MS / 1_000} s`))
    child.once('error', (error) => fail(`cannot be run (${codeOf(error)})`))
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > OUTPUT_BYTES_MAX) fail('answered too much')
    })
    child.once('close', (code) => {
      cancel()
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') })
    })
    // A helper that ends without reading is judged by its answer.
    child.stdin.on('error', () => undefined)
    child.stdin.end(`${registry}\n`)
  })
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}
