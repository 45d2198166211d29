/** Header fields by their names in lower case; a list where a name came more than once. */
export type Fields = Readonly<Record<string, string | string[]>>

/** Fields in the order they came: name, value, name, value. */
export function fieldsOf(raw: readonly string[]): Record<string, string | string[]> {
  // A header may be called __proto__.
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const value = raw[at + 1] ?? ''
    const known = fields[name]
    if (known === undefined) fields[name] = value
    else fields[name] = Array.isArray(known) ? [...known, value] : [known, value]
  }
  return fields
}

/** The lines of a head behind its first one, as names and values. */
export function linesOf(head: string): readonly string[] {
  const raw: string[] = []
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) raw.push(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return raw
}
