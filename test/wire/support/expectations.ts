/** The usual outcomes, so that a case is one line. */
import type { BackendSees, Seen, Statuses, Step, WireCase } from './wire-case.ts'
import { says } from './wire-case.ts'

type Rows = readonly (readonly [name: string, bytes: string | readonly Step[]])[]

type More = Partial<Omit<WireCase, 'client' | 'backend'>> & {
  readonly client?: Partial<WireCase['client']>
}

const UNTOUCHED: BackendSees = { kind: 'untouched' }

/** Refused before a replica hears a byte of it, and the connection ends. */
export function refused(rfc: string, statuses: Statuses, rows: Rows): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    ...caseOf(name, rfc, bytes),
    client: { answers: [statuses], ending: 'closes' },
    backend: UNTOUCHED,
  }))
}

/** Answered by the proxy itself; what follows on the connection is still read. */
export function declined(rfc: string, statuses: Statuses, rows: Rows): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    ...caseOf(name, rfc, bytes),
    client: { answers: [statuses], ending: 'either' },
    backend: UNTOUCHED,
  }))
}

/** The head was fine, its body is not: no replica ever has a whole request of it. */
export function broken(rfc: string, statuses: Statuses, rows: Rows): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    ...caseOf(name, rfc, bytes),
    client: { answers: [statuses], ending: 'closes' },
    backend: { kind: 'unfinished' },
  }))
}

/** Passed on and answered; the connection goes on. */
export function passes(
  name: string,
  rfc: string,
  bytes: string | readonly Step[],
  seen: Seen | readonly Seen[],
): WireCase {
  const requests: readonly Seen[] = isList(seen) ? seen : [seen]
  return {
    ...caseOf(name, rfc, bytes),
    client: { answers: requests.map(() => 200), ending: 'stays' },
    backend: { kind: 'requests', requests },
  }
}

/** The same case, where the client sees something else. */
export function but(wanted: WireCase, more: More): WireCase {
  return { ...wanted, ...more, client: { ...wanted.client, ...more.client } }
}

/** Refused with no replica asked, or passed on in one canonical reading. */
export function passesOrRefuses(
  name: string,
  rfc: string,
  bytes: string | readonly Step[],
  seen: Seen,
): WireCase {
  return {
    ...caseOf(name, rfc, bytes),
    client: { answers: [[200, 400, 404, 405, 411, 413, 417, 421, 431, 501]], ending: 'either' },
    backend: { kind: 'untouched-or', requests: [seen] },
  }
}

/** It never becomes a request: answered with a refusal, or just closed. */
export function unfinished(rfc: string, rows: Rows): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    ...caseOf(name, rfc, bytes),
    client: { answers: [[400, 408]], ending: 'closes', orCut: true },
    backend: { kind: 'unfinished' },
  }))
}

/** The first request is answered, what comes after it is refused. */
export function refusedAfterOne(rfc: string, statuses: Statuses, rows: Rows): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    ...caseOf(name, rfc, bytes),
    client: { answers: [200, statuses], ending: 'closes' },
    backend: { kind: 'requests', requests: [{}] },
  }))
}

function caseOf(name: string, rfc: string, bytes: string | readonly Step[]) {
  return { name, rfc, steps: typeof bytes === 'string' ? [says(bytes)] : bytes }
}

function isList(seen: Seen | readonly Seen[]): seen is readonly Seen[] {
  return Array.isArray(seen)
}
