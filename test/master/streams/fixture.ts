/** A master with one replica on a node whose worker the test plays. */
import { afterEach, onTestFinished } from 'vitest'
import { createControlClient } from '../../../shared/control-client.ts'
import { streamsOver } from '../../../shared/stream-connection.ts'
import type { Answering } from '../../../shared/stream-mux.ts'
import { added, applied, specNamed } from '../../support/worlds.ts'
import { ApiWorld, type WorldShape } from '../api/api-world.ts'

export let world: ApiWorld
afterEach(() => world.stop())

export const REPLICA = 'r1234567-89ab'
export const line = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`)

export interface Asked {
  readonly request: unknown
  readonly stream: Answering
}

/** A node with one replica; its worker is whatever the test makes of it. */
export async function begin(shape: WorldShape = {}): Promise<string> {
  world = await ApiWorld.start(shape)
  const node = await world.join('w1')
  await world.apply(applied(specNamed('web')), added(REPLICA, 'web', { node }))
  return node
}

/** A worker as the master sees it: the real client, the real frames, and the test's answers. */
export async function work(
  node: string,
  serve: (asked: Asked) => void | Promise<void> = () => undefined,
): Promise<{ asked: Asked[]; closed: Promise<string>; close(): void }> {
  const client = createControlClient({ masters: [world.url] })
  onTestFinished(() => client.close())
  const socket = await client.connect(`/v1/nodes/${node}/streams`)
  onTestFinished(() => socket.close('the test ends'))
  const asked: Asked[] = []
  streamsOver(socket, {
    lost: () => 'Cannot go on: the master is gone',
    onOpen: (request, stream) => {
      asked.push({ request, stream })
      // What a stream that is over does not take is of no interest here.
      Promise.resolve(serve({ request, stream })).catch(() => undefined)
    },
  })
  return { asked, closed: socket.closed, close: () => socket.close('the worker ends') }
}

/** Answers with these lines, then ends well. */
export function printing(...lines: readonly unknown[]) {
  return async ({ stream }: Asked): Promise<void> => {
    stream.accept()
    for (const one of lines) await stream.write('stdout', line(one))
    stream.end({ kind: 'done' })
  }
}

export const logs = (query = '') => world.call('GET', `/v1/replicas/${REPLICA}/logs${query}`)
