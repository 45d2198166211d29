import { crc32 } from 'node:zlib'

/** Ties the values of a row to each other: a row that was moved or altered no longer fits. */
export function checksumOf(...values: readonly number[]): number {
  return crc32(values.join('\n'))
}

export function checksumOfBytes(bytes: Uint8Array, ...values: readonly number[]): number {
  return crc32(values.join('\n'), crc32(bytes))
}
