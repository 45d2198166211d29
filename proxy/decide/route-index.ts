import { completeImage } from '../../shared/image-reference.ts'
import type { RouteFragment, RouteRule, ServiceId } from '../../shared/model.ts'

/** What one rule of a service claims: its times are kept apart from those of the others. */
export interface RouteClass {
  /** As the rule is written: `app.example/api`. */
  readonly name: string
  /** Its time does not count against the objective. */
  readonly slow: boolean
}

/** Where a request goes: the service, and the path and query that its replica is asked for. */
export interface Destination {
  readonly fragment: RouteFragment
  readonly target: string
  /** Undefined: no rule of the service speaks of it. */
  readonly route: RouteClass | undefined
}

interface Claim {
  readonly fragment: RouteFragment
  readonly route: RouteClass
}

/** What is claimed, by the beginning of the path. */
type Paths<T> = Map<string, T>

const ANY_HOST = ''
const SERVICE_PREFIX = '/s/'

/** An index of one routing table: every lookup costs as much as the path has segments. */
export class RouteIndex {
  readonly #byName = new Map<string, RouteFragment>()
  readonly #byImage = new Map<string, RouteFragment[]>()
  readonly #byHost = new Map<string, Paths<Claim>>()
  /** The rules of single services, whatever hosts they name. */
  readonly #byService = new Map<ServiceId, Paths<RouteClass>>()
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

  /** The rule of this service that speaks of the path, for a request that named the service. */
  routeOf(service: ServiceId, target: string): RouteClass | undefined {
    const paths = this.#byService.get(service)
    return paths && this.#longest(paths, pathOf(target))
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
    for (const rule of fragment.routes) this.#addRule(fragment, rule)
  }

  #addRule(fragment: RouteFragment, rule: RouteRule): void {
    const { host, path } = placeOf(rule)
    if (host !== ANY_HOST) this.#namesHosts = true
    const route = { name: routeNameOf(rule), slow: rule.slow === true }
    // Two services with one rule: the first by name has it, on every proxy alike.
    addFirst(this.#byHost, host, path, { fragment, route })
    addFirst(this.#byService, fragment.service, path, route)
    this.#depthMax = Math.max(this.#depthMax, path.split('/').length)
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
    const own = rest.startsWith('/') ? rest : `/${rest}`
    return { fragment, target: own, route: this.routeOf(fragment.service, own) }
  }

  #routed(host: string, path: string, target: string): Destination | undefined {
    const paths = this.#byHost.get(host)
    const claim = paths && this.#longest(paths, path)
    return claim && { fragment: claim.fragment, target, route: claim.route }
  }

  /** The longest prefix that ends where a segment ends. */
  #longest<T>(paths: Paths<T>, path: string): T | undefined {
    for (let prefix = firstSegments(path, this.#depthMax); ; prefix = parentOf(prefix)) {
      const found = paths.get(prefix)
      if (found !== undefined || prefix === '/') return found
    }
  }
}

/** The name under which the times of a rule are kept. */
export function routeNameOf(rule: RouteRule): string {
  const { host, path } = placeOf(rule)
  return `${host}${path}`
}

function placeOf(rule: RouteRule): { readonly host: string; readonly path: string } {
  const path = `/${(rule.path ?? '').replace(/^\/+|\/+$/g, '')}`
  return { host: normalHost(rule.host ?? ANY_HOST), path }
}

function addFirst<T>(all: Map<string, Paths<T>>, key: string, path: string, value: T): void {
  const paths = all.get(key) ?? new Map<string, T>()
  all.set(key, paths)
  if (!paths.has(path)) paths.set(path, value)
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
