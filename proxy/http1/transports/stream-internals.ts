/** What node's own `net` uses to move bytes, and does not make public. */
export interface StreamInternals {
  readonly WriteRequest: new () => WriteRequest
  /** Where a read leaves its length and a write whether it is still going on. */
  readonly state: Readonly<Int32Array>
  readonly lengthIndex: number
  readonly asyncIndex: number
}

/** A write that may still be going on; calls `oncomplete` when it is over. */
export interface WriteRequest {
  oncomplete?: (this: never, status: number) => void
}

/** The connection itself, inside a socket. */
export interface StreamHandle {
  onread: unknown
  useUserBuffer(buffer: Uint8Array): void
  readStart(): number
  readStop(): number
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
}

let known: StreamInternals | undefined

/** Throws where this version of node has none that we know, or does not let us use them. */
export function streamInternals(): StreamInternals {
  known ??= parsed(bound('stream_wrap'))
  return known
}

/** The connection inside a socket; undefined once that is closed, or is none that we know. */
export function streamHandleOf(socket: object): StreamHandle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  return isStreamHandle(handle) ? handle : undefined
}

const METHODS = ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer']

function isStreamHandle(handle: unknown): handle is StreamHandle {
  if (typeof handle !== 'object' || handle === null || !('onread' in handle)) return false
  return METHODS.every((name) => typeof Reflect.get(handle, name) === 'function')
}

/** The deprecation of `process.binding` is for those who can do without; it must not be printed. */
function bound(name: string): object {
  const binding: unknown = Reflect.get(process, 'binding')
  if (typeof binding !== 'function') throw new Error('this node has no process.binding')
  const { noDeprecation } = process
  Object.assign(process, { noDeprecation: true })
  try {
    return Object(Reflect.apply(binding, process, [name]))
  } catch (cause) {
    throw new Error(`this node does not give out its ${name}`, { cause })
  } finally {
    Object.assign(process, { noDeprecation })
  }
}

function parsed(binding: object): StreamInternals {
  const WriteRequest: unknown = Reflect.get(binding, 'WriteWrap')
  const state: unknown = Reflect.get(binding, 'streamBaseState')
  const lengthIndex: unknown = Reflect.get(binding, 'kReadBytesOrError')
  const asyncIndex: unknown = Reflect.get(binding, 'kLastWriteWasAsync')
  if (!isRequestMaker(WriteRequest)) throw unknownPart('WriteWrap')
  if (!(state instanceof Int32Array)) throw unknownPart('streamBaseState')
  if (typeof lengthIndex !== 'number') throw unknownPart('kReadBytesOrError')
  if (typeof asyncIndex !== 'number') throw unknownPart('kLastWriteWasAsync')
  return { WriteRequest, state, lengthIndex, asyncIndex }
}

function isRequestMaker(value: unknown): value is new () => WriteRequest {
  return typeof value === 'function'
}

function unknownPart(name: string): Error {
  return new Error(`this node has no ${name} that is known`)
}
