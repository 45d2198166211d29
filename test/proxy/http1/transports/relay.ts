import type { Socket } from 'node:net'
import type { UpstreamAddress } from '../../../../proxy/http1/transport.ts'
import { Recorder } from './recorder.ts'
import type { World } from './world.ts'

/** Passes on to an upstream what a client sends, and back, as the engine does it. */
export function relay(world: World, client: Socket, upstream: UpstreamAddress): void {
  const far = new Recorder()
  const near = new Recorder()
  near.onTold = (told) => {
    if (told === 'opened') far.resume()
    if (told === 'ended') far.end()
    if (told === 'closed') far.destroy()
  }
  far.onTold = (told) => {
    if (told === 'ended') near.end()
    if (told === 'closed') near.destroy()
  }
  // What an accepted connection lends is overwritten by the next read of any of them.
  far.onReceived = (bytes, length) => {
    if (!near.send(Buffer.from(bytes.subarray(0, length)))) far.pause()
  }
  near.onDrained = () => far.resume()
  // What an opened one lends is sent as it is: nothing overwrites it while it is paused.
  let reads = 0
  near.onReceived = (bytes, length) => {
    reads += 1
    if (reads % 5 === 0) near.transport.expectMuch(reads % 2 === 0)
    if (!far.send(bytes, 0, length)) near.pause()
  }
  far.onDrained = () => near.resume()
  world.accept(client, far)
  world.connect(upstream, near)
}
