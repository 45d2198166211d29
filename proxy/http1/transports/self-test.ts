import { after } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Transports } from '../transport.ts'
import { Loopback } from './loopback.ts'
import type { Probe } from './probe.ts'

const CHECK_MS = 1_000
/** More than any kernel keeps of what nobody reads. */
const UNREAD_CHUNKS_MAX = 256
const SLOW_READS = 50

type Check = (loopback: Loopback) => Promise<void>

/** Tries out on this machine what the engine relies on; the answer is the reason why not. */
export async function selfTest(transports: Transports): Promise<string | undefined> {
  const loopback = new Loopback(transports)
  const failure = await firstFailure(loopback)
  const isClosed = await loopback.close(CHECK_MS)
  return failure ?? (isClosed ? undefined : 'the server did not see the connections go')
}

async function firstFailure(loopback: Loopback): Promise<string | undefined> {
  const checks: Readonly<Record<string, Check>> = {
    'a server': () => loopback.listen(),
    'an echo': passEcho,
    'a write that has to wait for a slow reader': passPendingWrite,
    'a pause': passPause,
    'bytes that are lent while paused': passLending,
    'large reads': passLargeReads,
    'the end of both sides': passEnds,
    'a reset': passReset,
  }
  for (const [name, check] of Object.entries(checks)) {
    const failure = await failureOf(check, loopback)
    if (failure !== undefined) return `it does not pass ${name}: ${failure}`
  }
  return undefined
}

async function failureOf(check: Check, loopback: Loopback): Promise<string | undefined> {
  let cancel = (): void => undefined
  const late = new Promise<string>((resolve) => {
    cancel = after(CHECK_MS, () => resolve(`nothing more happened within ${CHECK_MS} ms`))
  })
  try {
    return await Promise.race([check(loopback).then(() => undefined), late])
  } catch (error) {
    return sentenceOf(error)
  } finally {
    cancel()
  }
}

async function passEcho(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  let isAtOnce = true
  far.onReceived = (_, length) => {
    isAtOnce = isAtOnce && far.send(length)
  }
  far.transport.resume()
  await near.sendAll(1_000)
  await heard(near, 1_000)
  must(isAtOnce, 'a small write had to wait')
  near.transport.destroy()
  far.transport.destroy()
  await over(near, far)
}

async function passPendingWrite(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  let drains = 0
  for (let chunks = 0; !near.transport.isPending; chunks += 1) {
    must(chunks < UNREAD_CHUNKS_MAX, 'a write that nobody reads did not have to wait')
    if (near.send(loopback.pattern.chunkBytes)) continue
    drains += 1
    // What did not fit at first may do so once the kernel has carried the rest to the other side.
    await turns()
  }
  must(near.drains === drains - 1, 'a write was over before it was')
  must(far.receivedBytes === 0, 'bytes came before they were asked for')
  readSlowly(far)
  await heard(far, near.sentBytes)
  await near.until(() => near.drains === drains)
}

async function passPause(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  far.transport.resume()
  await near.sendAll(1)
  await heard(far, 1)
  far.transport.pause()
  await near.sendAll(100)
  await turns()
  must(far.receivedBytes === 1, 'bytes came during a pause')
  far.transport.resume()
  await heard(far, 101)
}

async function passLending(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  let lent: Buffer = Buffer.alloc(0)
  near.onReceived = (bytes, length) => {
    lent = bytes.subarray(0, length)
    near.transport.pause()
  }
  await far.sendAll(10_000)
  await near.until(() => lent.length > 0)
  await far.sendAll(10_000)
  await turns()
  must(loopback.pattern.isAt(0, lent, lent.length), 'lent bytes were overwritten')
  near.onReceived = () => undefined
  near.transport.resume()
  await heard(near, 20_000)
}

async function passLargeReads(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  for (const much of [true, false, true]) {
    near.transport.expectMuch(much)
    await far.sendAll(loopback.pattern.chunkBytes)
    await heard(near, far.sentBytes)
  }
}

async function passEnds(loopback: Loopback): Promise<void> {
  const { near, far } = await loopback.pair()
  far.transport.resume()
  await near.sendAll(10)
  near.transport.end()
  await far.until(() => far.hasEnded)
  must(far.receivedBytes === 10, 'bytes were lost before the end')
  await far.sendAll(1_000)
  far.transport.end()
  await over(near, far)
  await heard(near, 1_000)
  must(near.hasEnded && near.reason === undefined, 'a clean end was none')
}

async function passReset(loopback: Loopback): Promise<void> {
  const { far, peer } = await loopback.farOnly()
  far.transport.resume()
  peer.resetAndDestroy()
  await over(far)
  must(far.reason !== undefined, 'a reset was taken for a clean end')
  const { near, peer: other } = await loopback.nearOnly()
  other.resetAndDestroy()
  await over(near)
  must(near.reason !== undefined, 'a reset was taken for a clean end')
}

/** Waits until exactly so many bytes came, each as it was sent. */
async function heard(probe: Probe, bytes: number): Promise<void> {
  await probe.until(() => probe.receivedBytes >= bytes)
  must(probe.isIntact && probe.receivedBytes === bytes, 'bytes came otherwise than they were sent')
}

async function over(...probes: readonly Probe[]): Promise<void> {
  for (const probe of probes) await probe.until(() => probe.isClosed)
  must(
    probes.every(({ isIntact }) => isIntact),
    'something was heard that must not be',
  )
}

function readSlowly(probe: Probe): void {
  let reads = 0
  probe.onReceived = () => {
    reads += 1
    if (reads > SLOW_READS) return
    probe.transport.pause()
    setImmediate(() => probe.transport.resume())
  }
  probe.transport.resume()
}

/** Long enough for what is on its way within one machine to be heard. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise)
}
