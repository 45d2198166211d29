/**
 * What the parent and its carriers tell each other. A take-over brings programs of two versions
 * together: a kind that is not known is ignored, and what carriers tell of themselves is passed on
 * unread.
 */

/** A listening socket by its purpose; each is bound once and handed on. */
export interface SocketWish {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Whether the next free port does as well. */
  readonly search: boolean
}

export type ToCarrier =
  /** The first word; `succeeds` where another carries the traffic until this one is ready. */
  | { readonly kind: 'begin'; readonly slot: number; readonly succeeds: boolean }
  /** The socket comes with it. */
  | { readonly kind: 'bound'; readonly name: string; readonly port: number }
  | { readonly kind: 'unbound'; readonly name: string; readonly code: string }
  /** This Node cannot hold sockets for others: the carrier opens its own. */
  | { readonly kind: 'unheld'; readonly name: string }
  /** It carries the traffic from now on, and reports also for those that are leaving. */
  | { readonly kind: 'take'; readonly leavers: Readonly<Record<string, unknown>> }
  | ({ readonly kind: 'leaver'; readonly id: string } & Told)
  | { readonly kind: 'gone'; readonly id: string }
  /** Another is ready: it tells the parent from now on, not the master. */
  | { readonly kind: 'hand-over' }
  /** The other one did not make it: all is as before. */
  | { readonly kind: 'carry-on'; readonly leavers: Readonly<Record<string, unknown>> }
  /** The other one serves: it accepts nothing more, finishes and ends. */
  | { readonly kind: 'release' }
  | { readonly kind: 'stop' }
  /** A line for the log: the parent has none of its own. */
  | { readonly kind: 'note'; readonly message: string; readonly fields: NoteFields }

/** What one that is leaving says of itself. */
export interface Told {
  /** How it is now: what it says later takes the place of what it said before. */
  readonly told: unknown
  /** What it measured since it last said something: to be counted once. */
  readonly measured: unknown
}

export type NoteFields = Readonly<Record<string, string | number>>

export type ToParent =
  | { readonly kind: 'hello' }
  | ({ readonly kind: 'bind' } & SocketWish)
  /** It could serve at once. */
  | { readonly kind: 'ready'; readonly processes: number; readonly stopGraceMs: number }
  | { readonly kind: 'serving' }
  | ({ readonly kind: 'told' } & Told)
  /** It has said why it cannot go on, and ends. */
  | { readonly kind: 'cannot' }

/** Undefined for what no carrier of this version says. */
export function parseToParent(raw: unknown): ToParent | undefined {
  const said = fieldsOf(raw)
  switch (said?.kind) {
    case 'hello':
    case 'serving':
    case 'cannot':
      return { kind: said.kind }
    case 'told':
      return { kind: 'told', told: said.told, measured: said.measured }
    case 'ready':
      return {
        kind: 'ready',
        processes: numberOf(said.processes, 1),
        stopGraceMs: numberOf(said.stopGraceMs, 0),
      }
    case 'bind':
      return {
        kind: 'bind',
        name: String(said.name),
        host: String(said.host),
        port: numberOf(said.port, 0),
        search: said.search === true,
      }
    default:
      return undefined
  }
}

/** Undefined for what no parent of this version says. */
export function parseToCarrier(raw: unknown): ToCarrier | undefined {
  const said = fieldsOf(raw)
  switch (said?.kind) {
    case 'begin':
      return { kind: 'begin', slot: numberOf(said.slot, 1), succeeds: said.succeeds === true }
    case 'bound':
      return { kind: 'bound', name: String(said.name), port: numberOf(said.port, 0) }
    case 'unbound':
      return { kind: 'unbound', name: String(said.name), code: String(said.code) }
    case 'unheld':
      return { kind: 'unheld', name: String(said.name) }
    case 'take':
    case 'carry-on':
      return { kind: said.kind, leavers: fieldsOf(said.leavers) ?? {} }
    case 'leaver':
      return {
        kind: 'leaver',
        id: String(said.id),
        told: said.told,
        measured: said.measured,
      }
    case 'gone':
      return { kind: 'gone', id: String(said.id) }
    case 'hand-over':
    case 'release':
    case 'stop':
      return { kind: said.kind }
    case 'note':
      return { kind: 'note', message: String(said.message), fields: noteFieldsOf(said.fields) }
    default:
      return undefined
  }
}

function noteFieldsOf(raw: unknown): NoteFields {
  const known = Object.entries(fieldsOf(raw) ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : [],
  )
  return Object.fromEntries(known)
}

function fieldsOf(raw: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof raw === 'object' && raw !== null ? { ...raw } : undefined
}

function numberOf(raw: unknown, fallback: number): number {
  return typeof raw === 'number' && Number.isFinite(raw) ? raw : fallback
}
