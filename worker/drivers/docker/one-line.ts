const CHARS_MAX = 200

/** The last line of a text that says something, without colours and the like. */
export function oneLine(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(CONTROLS, ' ').replace(/ +/g, ' ').trim())
  return (lines.findLast((line) => line !== '') ?? '').slice(0, CHARS_MAX)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be removed.
const CONTROLS = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u001f\u007f-\u009f]/g
