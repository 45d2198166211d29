/** What single bytes mean in a message: tables, because a look-up costs less than a comparison. */
export const HTAB = 9
export const LF = 10
export const CR = 13
export const SPACE = 32
export const COLON = 58

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const VISIBLE = String.fromCharCode(...Array.from({ length: 0x7f - 0x21 }, (_, at) => 0x21 + at))

/** Bytes of a token, each as its lower case; 0 for what is none (RFC 9110, section 5.6.2). */
export const TOKEN = table(`!#$%&'*+-.^_\`|~${DIGITS}${LETTERS}`, (byte) =>
  String.fromCharCode(byte).toLowerCase().charCodeAt(0),
)

/** Bytes of a field value: visible ones, blanks, and those beyond ASCII, which mean nothing here. */
export const VALUE = table(`${VISIBLE} \t`, () => 1)
VALUE.fill(1, 0x80)

/** Bytes of a request target; a fragment is not for servers (RFC 9112, section 3.2). */
export const TARGET = table(VISIBLE.replace('#', ''), () => 1)

/** The value of a hexadecimal digit plus one; 0 for what is none. */
export const HEX = table(`${DIGITS}ABCDEFabcdef`, (byte) => {
  return Number.parseInt(String.fromCharCode(byte), 16) + 1
})

export function textOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from, to)
}

/** Whether bytes[from, to) are this word, which is written in lower case. */
export function isWord(bytes: Buffer, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false
  for (let at = 0; at < word.length; at += 1) {
    if (TOKEN[bytes[from + at] ?? 0] !== word.charCodeAt(at)) return false
  }
  return true
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === HTAB
}

/**
 * Whether, of bytes that were searched up to `searchedTo`, those that came since hold the end of a
 * head, or a line end that breaks it. A head that drips in is then parsed twice, not once per byte;
 * it also has to be parsed once it is larger than allowed.
 */
export function mayBeComplete(bytes: Buffer, searchedTo: number, to: number): boolean {
  // Mostly a head comes whole, and nothing behind it.
  if (to - searchedTo > 2 && bytes[to - 1] === LF && bytes[to - 3] === LF) return true
  for (let at = searchedTo; at < to; at += 1) {
    if (bytes[at] !== LF) continue
    const before = bytes[at - 2]
    if (bytes[at - 1] !== CR || before === LF || before === CR) return true
  }
  return false
}

function table(members: string, meaning: (byte: number) => number): Uint8Array {
  const values = new Uint8Array(256)
  for (const member of members) {
    const byte = member.charCodeAt(0)
    values[byte] = meaning(byte)
  }
  return values
}
