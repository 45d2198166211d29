import { completeImage } from '../../shared/image-reference.ts'
import type { RouteFragment } from '../../shared/model.ts'

/** Where a request goes: the service, and the path and query that its replica is asked for. */
export interface Destination {
  readonly fragment: RouteFragment
  readonly target: string
  /** Its time does not count against the objective. */
  readonly slow: boolean
}

interface Claim {
  readonly fragment: RouteFragment
  readonly slow: boolean
}

type Paths = Map<string, Claim>

const ANY_HOST = ''
const SERVICE_PREFIX = '/s/'

/** An index of one routing table: every lookup costs as much as the path has segments. */
export class RouteIndex {
  readonly #byName = new Map<string, RouteFragment>()
  readonly #byImage = new Map<string, RouteFragment[]>()
  readonly #byHost = new Map<string, Paths>()
  #depthMax = 0
  /** Whether any rule names a host. */
  #namesHosts = false

  constructor(fragments: Iterable<RouteFragment>) {
    for (const fragment of [...fragments].sort(byName)) this.#add(fragment)
  }

  /** A service by its name, else by an image that it alone uses. */
  find(name: string): RouteFragment | undefined {
    const named = this.#byName.get(name)
    if (named !== undefined) return named
    const users = this.#byImage.get(imageKey(name)) ?? []
    return users.length === 1 ? users[0] : undefined
  }

  /** Rules with a host win over `/s/<service>`, which wins over rules with a path alone. */
  match(host: string, target: string): Destination | undefined {
    const path = pathOf(target)
    return (
      (this.#namesHosts ? this.#hosted(normalHost(host), path, target) : undefined) ??
      this.#prefixed(path, target) ??
      this.#routed(ANY_HOST, path, target)
    )
  }

  /** Whether a rule that names this host claims the path. */
  claims(host: string, target: string): boolean {
    return this.#hosted(normalHost(host), pathOf(target), target) !== undefined
  }

  #add(fragment: RouteFragment): void {
    if (!this.#byName.has(fragment.name)) this.#byName.set(fragment.name, fragment)
    const { image } = fragment
    if (image !== undefined) {
      const key = imageKey(image)
      this.#byImage.set(key, [...(this.#byImage.get(key) ?? []), fragment])
    }
    for (const rule of fragment.routes) {
      const host = normalHost(rule.host ?? ANY_HOST)
      if (host !== ANY_HOST) this.#namesHosts = true
      const path = `/${(rule.path ?? '').replace(/^\/+|\/+$/g, '')}`
      const paths: Paths = this.#byHost.get(host) ?? new Map()
      this.#byHost.set(host, paths)
      // Two services with one rule: the first by name has it, on every proxy alike.
      if (!paths.has(path)) paths.set(path, { fragment, slow: rule.slow === true })
      this.#depthMax = Math.max(this.#depthMax, path.split('/').length)
    }
  }

  #hosted(host: string, path: string, target: string): Destination | undefined {
    if (host === ANY_HOST) return undefined
    const exact = this.#routed(host, path, target)
    if (exact !== undefined) return exact
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const found = this.#routed(`*${host.slice(dot)}`, path, target)
      if (found !== undefined) return found
    }
    return undefined
  }

  #prefixed(path: string, target: string): Destination | undefined {
    if (!path.startsWith(SERVICE_PREFIX)) return undefined
    const end = path.indexOf('/', SERVICE_PREFIX.length)
    const encoded = path.slice(SERVICE_PREFIX.length, end === -1 ? undefined : end)
    const fragment = this.#byName.get(decoded(encoded))
    if (fragment === undefined) return undefined
    const rest = target.slice(SERVICE_PREFIX.length + encoded.length)
    return { fragment, target: rest.startsWith('/') ? rest : `/${rest}`, slow: false }
  }

  /** The longest prefix that ends where a segment ends. */
  #routed(host: string, path: string, target: string): Destination | undefined {
    const paths = this.#byHost.get(host)
    if (paths === undefined) return undefined
    for (let prefix = firstSegments(path, this.#depthMax); ; prefix = parentOf(prefix)) {
      const claim = paths.get(prefix)
      if (claim !== undefined) return { fragment: claim.fragment, target, slow: claim.slow }
      if (prefix === '/') return undefined
    }
  }
}

/** `app` and `app:latest` are the same image; what is none at all is only itself. */
function imageKey(text: string): string {
  try {
    return completeImage(text)
  } catch {
    return text
  }
}

/** The host without its port and the dot of an absolute name, in lower case. */
function normalHost(host: string): string {
  let end = host.length
  const colon = host.lastIndexOf(':')
  if (colon >= 0 && host.indexOf(']', colon) === -1) end = colon
  if (host.charCodeAt(end - 1) === DOT) end -= 1
  return (end === host.length ? host : host.slice(0, end)).toLowerCase()
}

const DOT = 46

function byName(a: RouteFragment, b: RouteFragment): number {
  if (a.name === b.name) return a.service < b.service ? -1 : 1
  return a.name < b.name ? -1 : 1
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** Cuts what is deeper than any rule, so that a path of many slashes costs nothing. */
function firstSegments(path: string, depthMax: number): string {
  let end = 0
  for (let depth = 0; depth < depthMax; depth += 1) {
    const next = path.indexOf('/', end + 1)
    if (next === -1) return path.endsWith('/') && path !== '/' ? parentOf(path) : path
    end = next
  }
  return end === 0 ? '/' : path.slice(0, end)
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // A malformed escape names no service.
    return ''
  }
}
