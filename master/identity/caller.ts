/** Who calls: proved by a certificate, else by a token, else by being on this machine. */
import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { RequestError } from '../../shared/errors.ts'
import { isLoopback } from '../../shared/loopback.ts'
import { formatToken, isSameSecret } from '../../shared/token.ts'
import type { Caller, Role } from '../surface.ts'
import type { Tokens } from './identity-files.ts'

export interface CallerRules {
  readonly tokens: Tokens
  /** Whether plain HTTP is trusted from everywhere, as on loopback. */
  readonly insecure: boolean
  /** Whether the node or proxy was removed; asked at every call. */
  isRevoked(role: 'node' | 'proxy', subject: string): boolean
  nowMs(): number
}

interface Member {
  readonly role: 'node' | 'proxy'
  readonly subject: string
  readonly fromMs: number
  readonly untilMs: number
}

/** Who is calling is decided anew for each request: a kept connection outlives a removal. */
export function createCallerOf(rules: CallerRules): (request: IncomingMessage) => Caller {
  // A certificate is read once per connection, not once per heartbeat.
  const members = new WeakMap<Socket, Member | 'nobody'>()
  const admin = formatToken(rules.tokens.admin)
  const join = formatToken(rules.tokens.join)

  function memberOf(socket: Socket): Member | undefined {
    const known = members.get(socket) ?? readMember(socket) ?? 'nobody'
    members.set(socket, known)
    if (known === 'nobody') return undefined
    // Falling back to a token here would let a removed node look like a new one.
    if (rules.isRevoked(known.role, known.subject)) throw removed(known)
    const nowMs = rules.nowMs()
    return nowMs >= known.fromMs && nowMs <= known.untilMs ? known : undefined
  }

  function roleOf(request: IncomingMessage): Role {
    const isPlain = !(request.socket instanceof TLSSocket)
    const isTrusted = isPlain && (rules.insecure || isLoopback(request.socket.remoteAddress))
    const given = request.headers.authorization
    // A wrong token is refused also where none is needed: it says that something is mixed up.
    if (given === undefined) return isTrusted ? 'admin' : 'none'
    const token = /^Bearer +(\S+) *$/i.exec(given)?.[1] ?? ''
    const isAdmin = isSameSecret(token, admin)
    const isJoin = isSameSecret(token, join)
    if (isAdmin || (isJoin && isTrusted)) return 'admin'
    return isJoin ? 'join' : 'none'
  }

  return (request) => {
    const address = addressOf(request.socket)
    const member = memberOf(request.socket)
    if (member === undefined) return { address, role: roleOf(request) }
    return { address, role: member.role, subject: member.subject }
  }
}

function removed({ role, subject }: Member): RequestError {
  return new RequestError(410, 'GONE', `Cannot serve ${role} "${subject}": it was removed`)
}

function readMember(socket: Socket): Member | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : memberIn(certificate)
}

function memberIn(certificate: X509Certificate): Member | undefined {
  const fields = certificate.subject.split('\n')
  const role = fieldOf(fields, 'OU')
  const subject = fieldOf(fields, 'CN')
  if (subject === undefined || (role !== 'node' && role !== 'proxy')) return undefined
  return {
    role,
    subject,
    fromMs: Date.parse(certificate.validFrom),
    untilMs: Date.parse(certificate.validTo),
  }
}

function fieldOf(fields: readonly string[], name: string): string | undefined {
  const found = fields.filter((field) => field.startsWith(`${name}=`))
  return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
}

function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
}
