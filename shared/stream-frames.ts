/** The frames that several streams share one connection with: a type, a stream's number, a payload. */

export type Channel = 'input' | 'stdout' | 'stderr' | 'resize'

/** How a stream ended: with the exit code of a command, where there is one, or with a refusal. */
export type StreamEnd =
  | { readonly kind: 'done'; readonly code?: number }
  | {
      readonly kind: 'failed'
      readonly status: number
      readonly code: string
      readonly message: string
    }

export type Frame =
  /** A new stream; its number is higher than any before. */
  | { readonly kind: 'open'; readonly id: number; readonly request: unknown }
  | { readonly kind: 'accept'; readonly id: number }
  | {
      readonly kind: 'data'
      readonly id: number
      readonly channel: Channel
      readonly bytes: Uint8Array
    }
  /** So many bytes more may be sent. */
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  /** No more input comes. */
  | { readonly kind: 'eof'; readonly id: number }
  | { readonly kind: 'end'; readonly id: number; readonly end: StreamEnd }
  /** Whoever opened it wants nothing more of it. */
  | { readonly kind: 'cancel'; readonly id: number }

export type Decoded =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'malformed'; readonly reason: string }

/** A command line may be long, data is cut into pieces. */
export const FRAME_BYTES_MAX = 131_072
export const DATA_BYTES_MAX = 16_384
/** The number of a stream is 32 bits wide. */
export const STREAM_ID_MAX = 0xffff_ffff
const MESSAGE_CHARACTERS_MAX = 2_000

const HEAD_BYTES = 5
const KINDS: readonly Frame['kind'][] = ['open', 'accept', 'data', 'credit', 'eof', 'end', 'cancel']
const CHANNELS: readonly Channel[] = ['input', 'stdout', 'stderr', 'resize']
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeFrame(frame: Frame): Uint8Array {
  const payload = payloadOf(frame)
  const bytes = new Uint8Array(HEAD_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, KINDS.indexOf(frame.kind))
  view.setUint32(1, frame.id)
  bytes.set(payload, HEAD_BYTES)
  return bytes
}

/** The bytes of data are not copied: they live as long as what came. */
export function decodeFrame(bytes: Uint8Array): Decoded {
  if (bytes.length > FRAME_BYTES_MAX) return malformed('it is too long')
  if (bytes.length < HEAD_BYTES) return malformed('it has no head')
  const view = viewOf(bytes)
  const kind = KINDS[view.getUint8(0)]
  const id = view.getUint32(1)
  if (kind === undefined) return malformed(`its kind ${view.getUint8(0)} is unknown`)
  if (id === 0) return malformed('it has no stream')
  return decodePayload(kind, id, bytes.subarray(HEAD_BYTES))
}

function payloadOf(frame: Frame): Uint8Array {
  if (frame.kind === 'open') return encoder.encode(JSON.stringify(frame.request))
  if (frame.kind === 'end') return encoder.encode(JSON.stringify(shortened(frame.end)))
  if (frame.kind === 'data') {
    const payload = new Uint8Array(1 + frame.bytes.length)
    payload[0] = CHANNELS.indexOf(frame.channel)
    payload.set(frame.bytes, 1)
    return payload
  }
  const payload = new Uint8Array(frame.kind === 'credit' ? 4 : 0)
  if (frame.kind === 'credit') viewOf(payload).setUint32(0, frame.bytes)
  return payload
}

function shortened(end: StreamEnd): StreamEnd {
  if (end.kind === 'done') return end
  return { ...end, message: end.message.slice(0, MESSAGE_CHARACTERS_MAX) }
}

function decodePayload(kind: Frame['kind'], id: number, payload: Uint8Array): Decoded {
  if (kind === 'data') return decodeData(id, payload)
  if (kind === 'credit') return decodeCredit(id, payload)
  if (kind === 'open' || kind === 'end') return decodeJson(kind, id, payload)
  if (payload.length > 0) return malformed(`a frame "${kind}" has no payload`)
  return { kind: 'frame', frame: { kind, id } }
}

function decodeData(id: number, payload: Uint8Array): Decoded {
  const channel = CHANNELS[payload[0] ?? CHANNELS.length]
  if (channel === undefined) return malformed('its channel is unknown')
  if (payload.length < 2) return malformed('it carries nothing')
  return { kind: 'frame', frame: { kind: 'data', id, channel, bytes: payload.subarray(1) } }
}

function decodeCredit(id: number, payload: Uint8Array): Decoded {
  const bytes = payload.length === 4 ? viewOf(payload).getUint32(0) : 0
  if (bytes === 0) return malformed('it gives no credit')
  return { kind: 'frame', frame: { kind: 'credit', id, bytes } }
}

function decodeJson(kind: 'open' | 'end', id: number, payload: Uint8Array): Decoded {
  const value = jsonOf(payload)
  if (value === undefined) return malformed(`a frame "${kind}" is JSON`)
  if (kind === 'open') return { kind: 'frame', frame: { kind, id, request: value } }
  const end = endOf(value)
  if (end === undefined) return malformed('it does not say how the stream ended')
  return { kind: 'frame', frame: { kind, id, end } }
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload))
  } catch {
    return undefined
  }
}

function endOf(value: unknown): StreamEnd | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined
  if (value.kind === 'done') {
    if (!('code' in value)) return { kind: 'done' }
    return Number.isInteger(value.code) ? { kind: 'done', code: Number(value.code) } : undefined
  }
  if (value.kind !== 'failed') return undefined
  if (!('status' in value) || !('code' in value) || !('message' in value)) return undefined
  const { status, code, message } = value
  const isStatus = Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599
  if (!isStatus || typeof code !== 'string' || typeof message !== 'string') return undefined
  return { kind: 'failed', status: Number(status), code, message }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function malformed(reason: string): Decoded {
  return { kind: 'malformed', reason }
}
