import { RequestError } from '../../shared/errors.ts'
import type { Caller, Role } from '../surface.ts'
import type { Call, Route } from './route.ts'

const OWN_ONLY: readonly Role[] = ['node', 'proxy']

export function expectIdentity({ role }: Caller): void {
  if (role !== 'none') return
  const remedy = 'show a token or a certificate of this cluster'
  throw new RequestError(401, 'UNAUTHORIZED', `Cannot serve a stranger: ${remedy}`)
}

/** Deny by default: only the roles that a route names pass, and admin. */
export function expectRole(route: Route, { role }: Caller): void {
  if (role === 'admin' || route.roles.includes(role)) return
  const what = `${route.method.toUpperCase()} ${route.path}`
  throw new RequestError(403, 'FORBIDDEN', `Cannot ${what}: the role ${role} may not`)
}

/** A node or proxy speaks for itself alone. */
export function expectOwn(route: Route, call: Call): void {
  const { role, subject } = call.caller
  if (route.subject === undefined || !OWN_ONLY.includes(role)) return
  if (subject !== undefined && route.subject(call) === subject) return
  const message = `Cannot act for another ${role}: this certificate is of "${subject ?? ''}"`
  throw new RequestError(403, 'FORBIDDEN', message)
}
