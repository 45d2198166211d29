/** Header fields by their names; a list where a name came more than once. */
export type Fields = Readonly<Record<string, string | string[]>>

/** The fields of a list (name, value, name, value) by their names in lower case. */
export function fieldsOf(raw: readonly string[]): Fields {
  return namedFields(raw.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text)))
}

/** The same by their names as they are. */
export function namedFields(raw: readonly string[]): Fields {
  // A header may be called __proto__.
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
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
