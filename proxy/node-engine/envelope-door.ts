import { RequestError } from '../../shared/errors.ts'
import type { RouteFragment } from '../../shared/model.ts'
import { type Envelope, parseEnvelope } from '../decide/envelope.ts'
import { valuesOf } from '../decide/headers.ts'
import type { RouteTable } from '../decide/route-table.ts'
import { type Client, type Inbound, introduced, welcomeBody, withRequestId } from './inbound.ts'

const BODY_BYTES_MAX = 1_000_000

/** `POST /proxy`: reads the request inside the request; throws what its sender can mend. */
export async function openEnvelope(
  client: Client,
  table: RouteTable,
): Promise<{ readonly inbound: Inbound; readonly fragment: RouteFragment }> {
  const envelope = parseEnvelope(await readBody(client))
  const fragment = table.find(envelope.name)
  if (fragment === undefined) {
    const name = envelope.name.slice(0, 128)
    throw new RequestError(404, 'NOT_FOUND', `Cannot find service "${name}"`)
  }
  return { inbound: inboundOf(envelope, client), fragment }
}

function inboundOf({ method, target, headers, body }: Envelope, client: Client): Inbound {
  const host = valuesOf(client.request.rawHeaders, 'host')[0] ?? ''
  const all = ['Host', host, ...headers, ...introduced(client.request)]
  if (body === undefined) {
    return { method, target, headers: withRequestId(all), body: { kind: 'none' }, client }
  }
  const bytes = Buffer.from(body)
  const framed = withRequestId([...all, 'Content-Length', String(bytes.length)])
  return { method, target, headers: framed, body: { kind: 'bytes', bytes }, client }
}

async function readBody(client: Client): Promise<string> {
  welcomeBody(client)
  const { request } = client
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) {
      const limit = `the body is larger than ${BODY_BYTES_MAX} bytes`
      throw new RequestError(413, 'TOO_LARGE', `Cannot forward the request: ${limit}`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
