/** SQLite's own result code, whichever driver reported it. */
export class SqliteFailure extends Error {
  readonly code: number

  constructor(code: number, message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'SqliteFailure'
    this.code = code
  }

  get isFull(): boolean {
    return this.code === CODE_FULL
  }

  get isBusy(): boolean {
    return this.code === CODE_BUSY
  }

  /** What the file says cannot be trusted, as opposed to a disk that cannot be read. */
  get isDamage(): boolean {
    return DAMAGE.has(this.code)
  }
}

const CODE_BUSY = 5
const CODE_FULL = 13
export const CODE_CANTOPEN = 14
/** The driver itself could not make sense of a row, such as text that is no UTF-8. */
const CODE_NONE = -1
/**
 * ERROR, READONLY, CORRUPT, NOTADB: all statements are ours, so a missing table is damage to the
 * schema; and a header may say of its database that it may not be written.
 */
const DAMAGE: ReadonlySet<number> = new Set([CODE_NONE, 1, 8, 11, 26])

/** Runs a call of a driver; `codeName` is the property in which it keeps the result code. */
export function guarded<T>(call: () => T, codeName: 'rawCode' | 'errcode'): T {
  try {
    return call()
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new SqliteFailure(codeOf(error, codeName), detail, error)
  }
}

function codeOf(error: unknown, codeName: string): number {
  if (typeof error !== 'object' || error === null) return CODE_NONE
  const code: unknown = Reflect.get(error, codeName)
  // Extended codes carry the primary one in their lowest byte.
  return typeof code === 'number' ? code & 0xff : CODE_NONE
}
