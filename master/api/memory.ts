const UNITS_MB: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }

/** Mebibytes, written `512m`, `1.5g`, `64MiB`, or as a bare number of mebibytes. */
export function parseMemoryMb(raw: unknown): number {
  const matched = /^(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?$/i.exec(String(raw).trim())
  const value = Number(matched?.[1]) * (UNITS_MB[(matched?.[2] ?? 'm').toLowerCase()] ?? Number.NaN)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error('expected an amount of memory like 512m or 2g')
}
