import { conflict, notFound } from '../../../shared/errors.ts'
import type { Node, Replica, Service } from '../../../shared/model.ts'
import type { DesiredView } from '../desired.ts'

/** A part of an id is taken for the whole from this length on. */
export const PREFIX_MIN = 4

type Refused = 'ambiguous' | undefined

/** By full id, by name, or by the beginning of an id when only one begins so. */
export function findNode(desired: DesiredView, text: string): Node {
  const exact = desired.nodes.get(text) ?? desired.nodeNamed(text)
  return exact ?? expectOne('node', text, byPrefix(desired.nodes, text))
}

export function findService(desired: DesiredView, text: string): Service {
  const exact = desired.services.get(text) ?? desired.serviceNamed(text)
  return exact ?? expectOne('service', text, byPrefix(desired.services, text))
}

export function findReplica(desired: DesiredView, text: string): Replica {
  const exact = desired.replicas.get(text)
  return exact ?? expectOne('replica', text, byPrefix(desired.replicas, text))
}

/** The only value whose key begins with the text; `ambiguous` when there are several. */
export function byPrefix<T extends object>(all: ReadonlyMap<string, T>, text: string): T | Refused {
  if (text.length < PREFIX_MIN) return undefined
  let found: T | undefined
  for (const [id, value] of all) {
    if (!id.startsWith(text)) continue
    if (found !== undefined) return 'ambiguous'
    found = value
  }
  return found
}

function expectOne<T extends object>(noun: string, text: string, found: T | Refused): T {
  if (found === 'ambiguous') {
    throw conflict(`Cannot tell which ${noun} "${text}" is: several ids begin with it`)
  }
  if (found === undefined) throw notFound(noun, text)
  return found
}
