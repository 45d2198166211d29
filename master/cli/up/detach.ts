/** `up --detach`: a supervisor of its own session, which tells us when everything is ready. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { z } from '../answers.ts'
import type { Arguments } from '../arguments.ts'
import type { Session } from '../command.ts'
import { CliError, EXIT_INTERRUPTED, failureOf } from '../failure.ts'
import { programPath } from '../programs.ts'
import { nextStep } from './next-step.ts'
import { reportOf } from './report.ts'
import { readState } from './state.ts'

const READY_MAX_MS = 120_000
const FORWARDED = ['workers', 'port', 'proxy-port', 'host', 'driver', 'docker-host']

const wordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('failed'), lines: z.array(z.string()) }),
])

type Word = z.infer<typeof wordSchema>

export interface Detached {
  readonly dir: string
  readonly args: Arguments
}

export async function detach({ dir, args }: Detached, session: Session): Promise<number> {
  const child = launch(dir, args)
  const interrupt = (): void => void child.kill('SIGTERM')
  session.signal.addEventListener('abort', interrupt, { once: true })
  const word = await heard(child, session)
  session.signal.removeEventListener('abort', interrupt)
  if (word.kind === 'failed') {
    const [sentence = 'Cannot start: no reason was told', next] = word.lines
    throw new CliError(sentence, next === undefined ? {} : { next })
  }
  child.disconnect()
  child.unref()
  const state = readState(dir)
  if (state === undefined) throw new CliError('Cannot start: it was stopped at once')
  session.screen.print('Ready; it runs in the background.')
  for (const line of reportOf(state, dir, session.screen)) session.screen.print(line)
  session.screen.print(`Next: ${await nextStep(await session.connectTo(state.master))}`)
  session.screen.print(
    `Stop: orchestrify down${args.text('data') === undefined ? '' : ` --data ${dir}`}`,
  )
  return 0
}

function launch(dir: string, args: Arguments): ReturnType<typeof spawn> {
  mkdirSync(join(dir, 'logs'), { recursive: true, mode: 0o700 })
  const log = openSync(join(dir, 'logs', 'up.log'), 'a', 0o600)
  const flags = FORWARDED.flatMap((name) => {
    const value = args.text(name)
    return value === undefined ? [] : [`--${name}`, value]
  })
  const argv = [programPath('master'), 'up', '--data', dir, ...flags]
  const child = spawn(process.execPath, argv, {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  return child
}

function heard(child: ReturnType<typeof spawn>, { clock, signal }: Session): Promise<Word> {
  const late = new AbortController()
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => (): void => {
      late.abort()
      act()
    }
    const failed = (sentence: string, exitCode = 1): void =>
      settle(() => reject(new CliError(sentence, { exitCode })))()
    child.on('message', (message) => settle(() => resolve(wordSchema.parse(message)))())
    child.on('error', (error) => failed(`Cannot start: ${error.message}`))
    child.on('exit', (code) => {
      if (signal.aborted) failed('Stopped before everything had started', EXIT_INTERRUPTED)
      else failed(`Cannot start: the supervisor exited with code ${code}`)
    })
    void clock.sleep(READY_MAX_MS, late.signal).then(() => {
      if (late.signal.aborted) return
      child.kill('SIGTERM')
      failed(`Cannot start: not ready after ${READY_MAX_MS / 1000} s`)
    })
  })
}

type Telling = { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly error: unknown }

/** Nobody listens when it was started in the foreground. */
export function tellParent(telling: Telling): void {
  if (process.send === undefined || !process.connected) return
  const word: Word =
    telling.kind === 'ready'
      ? telling
      : { kind: 'failed', lines: [...failureOf(telling.error).lines] }
  // The parent may be gone by now; then nobody wants to know.
  process.send(word, () => undefined)
}
