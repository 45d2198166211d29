import { textOf } from '../../proxy/http1/parsing/bytes.ts'
import { parseRequestHead, RequestHead } from '../../proxy/http1/parsing/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../proxy/http1/parsing/response-head.ts'
import { sameFraming } from './framed.ts'
import { requestHead, responseHead } from './head-generator.ts'
import { Llhttp } from './llhttp.ts'
import { mutated } from './mutation.ts'
import { difference, type Subject, type Verdict } from './outcome.ts'

const LIMITS = { headerBytesMax: 16_384, headersMax: 200 }

/** Heads of requests, read by this proxy and by node. */
export function requestHeads(): Subject {
  const head = new RequestHead()
  const llhttp = new Llhttp('request')
  return {
    name: 'heads of requests',
    generate: (random) => mutated(requestHead(random), random),
    judge: (bytes) => {
      const end = parseRequestHead(bytes, 0, bytes.length, head, LIMITS)
      if (end <= 0) return undefined
      const found = sameHead(llhttp, bytes, end)
      return found === '' ? sameRequest(llhttp, bytes, head) : found
    },
  }
}

/** Heads of answers, read by this proxy and by node. */
export function responseHeads(): Subject {
  const head = new ResponseHead()
  const llhttp = new Llhttp('response')
  return {
    name: 'heads of answers',
    generate: (random) => mutated(responseHead(random), random),
    judge: (bytes) => {
      const end = parseResponseHead(bytes, 0, bytes.length, head, LIMITS)
      if (end <= 0) return undefined
      const found = sameHead(llhttp, bytes, end)
      return found === '' ? sameResponse(llhttp, bytes, head) : found
    },
  }
}

/** Whether node finds the end of the head with the same byte, not before. */
function sameHead(llhttp: Llhttp, bytes: Buffer, end: number): string {
  llhttp.begin()
  const { heard } = llhttp
  const early = llhttp.feed(bytes.subarray(0, end - 1))
  const found = difference([
    ['head', undefined, early],
    ['head complete early', 0, heard.heads],
  ])
  if (found !== '') return found
  const late = llhttp.feed(bytes.subarray(end - 1, end))
  return difference([
    ['head', undefined, late],
    ['head complete', 1, heard.heads],
  ])
}

function sameRequest(llhttp: Llhttp, bytes: Buffer, head: RequestHead): Verdict {
  const { heard } = llhttp
  const found = difference([
    ['method', head.method, heard.method],
    ['target', textOf(bytes, head.targetFrom, head.targetTo), heard.url],
    ['minor', head.minor, heard.minor],
    ['headers', linesOf(bytes, head), heard.headers],
    ['stays open', head.keepAlive && !mayDiffer(heard.headers), mayStay(head.keepAlive, llhttp)],
  ])
  const { contentLength, chunked } = head
  return found === '' ? sameFraming(llhttp, { contentLength, chunked, untilTheEnd: false }) : found
}

function sameResponse(llhttp: Llhttp, bytes: Buffer, head: ResponseHead): Verdict {
  const { heard } = llhttp
  const { status, contentLength, chunked } = head
  const found = difference([
    ['status', status, heard.status],
    ['minor', head.minor, heard.minor],
    ['headers', linesOf(bytes, head), heard.headers],
  ])
  // The bodies of these are told by the status, and not by this head alone.
  if (found !== '' || status < 200 || status === 204 || status === 304) return found
  return sameFraming(llhttp, { contentLength, chunked, untilTheEnd: !chunked && contentLength < 0 })
}

/** Node reads what old proxies say of connections, too; and it need not stay open when we do not. */
function mayDiffer(headers: readonly string[]): boolean {
  return headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'proxy-connection')
}

function mayStay(keepAlive: boolean, { heard }: Llhttp): boolean {
  return keepAlive && !mayDiffer(heard.headers) && heard.keepAlive
}

function linesOf(bytes: Buffer, { count, fields }: RequestHead | ResponseHead): string[] {
  const texts: string[] = []
  for (let at = 0; at < 4 * count; at += 2) {
    texts.push(textOf(bytes, fields[at] ?? 0, fields[at + 1] ?? 0))
  }
  return texts
}
