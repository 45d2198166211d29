const OFFSET = 0x811c9dc5
const PRIME = 0x01000193

/** A 32-bit number that stands for a text: the same in every process (FNV-1a). */
export function fingerprintOf(text: string): number {
  let hash = OFFSET
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), PRIME)
  }
  return hash >>> 0
}

/** Two numbers made one that looks like neither (the finalizer of MurmurHash3). */
export function mixed(a: number, b: number): number {
  let hash = a ^ Math.imul(b, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
