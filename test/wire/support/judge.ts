/** Compares what was seen on both sides of the proxy with what the case wants. */
import { type Header, valuesIn } from './grammar.ts'
import type { Recorder } from './recorder.ts'
import type { StrictRequest } from './strict-requests.ts'
import type { Heard, StrictResponse } from './strict-responses.ts'
import type { ClientSees, Seen, Statuses, WireCase } from './wire-case.ts'

const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'http2-settings',
  'expect',
]

/** Sentences about what is wrong; none when all is well. */
export function judgeClient(wanted: WireCase, heard: Heard, closed: boolean): readonly string[] {
  const { client } = wanted
  const wrong: string[] = []
  if (heard.dirty !== undefined) wrong.push(`the client got ${heard.dirty}`)
  if (client.interim !== undefined) {
    const statuses = heard.interim.map(({ status }) => status)
    if (String(statuses) !== String(client.interim)) wrong.push(`interim answers ${statuses}`)
  }
  wrong.push(...judgeAnswers(client, heard, closed))
  if (client.ending === 'closes' && !closed) wrong.push('the connection stayed open')
  if (client.ending === 'stays' && closed) wrong.push('the connection was closed')
  if (client.tunnelled !== undefined && heard.tunnelled !== client.tunnelled) {
    wrong.push(`tunnelled ${JSON.stringify(heard.tunnelled.slice(0, 100))}`)
  }
  return wrong
}

function judgeAnswers(client: ClientSees, heard: Heard, closed: boolean): readonly string[] {
  const wanted = client.answers
  const statuses = heard.answers.map(({ status }) => status)
  const wrong: string[] = []
  const missing = wanted.length - statuses.length
  const mayLack = client.orCut === true && closed && missing === 1
  if (client.cut === true) {
    if (heard.begun === undefined || !closed) wrong.push(`not cut: ${statuses}, closed ${closed}`)
  } else if (missing !== 0 && !mayLack) {
    wrong.push(`${statuses.length} answers (${statuses}), closed ${closed}, ${restOf(heard)}`)
  }
  for (const [at, status] of statuses.entries()) {
    const allowed = wanted[at]
    if (allowed !== undefined && !matches(allowed, status)) wrong.push(`answer ${at} is ${status}`)
  }
  const bodies = heard.answers.map(({ body }) => body)
  if (client.bodies !== undefined && String(bodies) !== String(client.bodies)) {
    wrong.push(`the bodies ${bodies}`)
  }
  const [first] = heard.answers
  if (first !== undefined) wrong.push(...judgeAnswer(client, first))
  return wrong
}

function judgeAnswer(client: ClientSees, answer: StrictResponse): readonly string[] {
  const wrong: string[] = []
  if (client.body !== undefined && answer.body !== client.body) {
    wrong.push(`the body ${JSON.stringify(answer.body.slice(0, 100))}`)
  }
  wrong.push(...judgeHeaders(answer.headers, client))
  if (client.trailers !== undefined) wrong.push(...judgeTrailers(answer.trailers, client.trailers))
  return wrong.map((text) => `the client saw ${text}`)
}

export function judgeBackend({ backend }: WireCase, recorder: Recorder): readonly string[] {
  const { requests, bytes, dirty } = recorder
  const wrong = dirty.map((why) => `the backend got ${why}`)
  if (backend.kind === 'any') return wrong
  if (backend.kind === 'untouched' && bytes > 0) wrong.push(`the backend got ${bytes} bytes`)
  const optional = backend.kind === 'untouched-or' && requests.length === 0
  const wanted = 'requests' in backend && !optional ? backend.requests : []
  if (requests.length !== wanted.length) {
    const targets = requests.map(({ method, target }) => `${method} ${target}`)
    wrong.push(`the backend got ${requests.length} requests: ${targets.join(', ')}`)
  }
  for (const [at, request] of requests.entries()) {
    const seen = wanted[at]
    if (seen !== undefined) wrong.push(...judgeRequest(request, seen))
  }
  return wrong
}

function judgeRequest(request: StrictRequest, seen: Seen): readonly string[] {
  const wrong: string[] = []
  for (const key of ['method', 'target', 'body', 'framing'] as const) {
    const value = seen[key]
    if (value !== undefined && value !== request[key]) {
      wrong.push(`${key} ${JSON.stringify(request[key].slice(0, 100))}`)
    }
  }
  wrong.push(...judgeHeaders(request.headers, seen))
  wrong.push(...judgeTrust(request.headers))
  if (seen.trailers !== undefined) wrong.push(...judgeTrailers(request.trailers, seen.trailers))
  return wrong.map((text) => `the backend saw ${text}`)
}

/** What holds for every request that is passed on. */
function judgeTrust(headers: readonly Header[]): readonly string[] {
  const wrong = HOP_BY_HOP.filter((name) => valuesIn(headers, name).length > 0)
  const forwarded = valuesIn(headers, 'x-forwarded-for').join(', ')
  if (forwarded.split(',').pop()?.trim() !== '127.0.0.1') wrong.push(`for "${forwarded}"`)
  if (String(valuesIn(headers, 'x-forwarded-proto')) !== 'http') wrong.push('no proto of ours')
  for (const [name] of headers) {
    if (name.includes('_') && /^(x_forwarded|x_real|forwarded|content_l|transfer_e)/.test(name)) {
      wrong.push(`the alias ${name}`)
    }
  }
  return wrong
}

function judgeHeaders(
  headers: readonly Header[],
  wanted: { readonly headers?: readonly Header[]; readonly lacks?: readonly string[] },
): readonly string[] {
  const wrong: string[] = []
  for (const [name, value] of wanted.headers ?? []) {
    const values = valuesIn(headers, name)
    if (!values.includes(value)) wrong.push(`${name}: ${JSON.stringify(values)}`)
  }
  for (const name of wanted.lacks ?? []) {
    if (valuesIn(headers, name).length > 0) wrong.push(`the header ${name}`)
  }
  return wrong
}

function judgeTrailers(trailers: readonly Header[], wanted: readonly Header[]): readonly string[] {
  return JSON.stringify(trailers) === JSON.stringify(wanted)
    ? []
    : [`the trailers ${JSON.stringify(trailers)}`]
}

function restOf({ begun, rest }: Heard): string {
  if (begun !== undefined) return `one more begun (${begun.status})`
  return `rest ${JSON.stringify(rest.slice(0, 60))}`
}

function matches(allowed: Statuses, status: number): boolean {
  return typeof allowed === 'number' ? allowed === status : allowed.includes(status)
}
