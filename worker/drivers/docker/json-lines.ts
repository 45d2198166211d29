/** JSON values that the engine sends one per line, in chunks that know nothing of lines. */
const LINE_CHARS_MAX = 1_048_576

/** Ends with the stream, and with an error when a line is no JSON or has no end. */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
    if (rest.length > LINE_CHARS_MAX) throw new Error('the Docker Engine sent a line without end')
  }
  rest += decoder.decode()
  if (rest.trim() !== '') yield JSON.parse(rest)
}
