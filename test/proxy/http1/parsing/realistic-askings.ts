/** What clients ask for, and what they send along for it. */

export interface Asking {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly lines: readonly string[]
}

const LONG_COOKIE = Array.from(
  { length: 40 },
  (_, at) => `_ga_${at}=GS1.1.${1_700_000_000 + at}.${at}.1.%7B%22a%22%3A${at}%7D!~*'()`,
).join('; ')

export const ASKING: readonly Asking[] = [
  { method: 'GET', target: '/', host: 'example.com', lines: [] },
  { method: 'HEAD', target: '/healthz', host: '10.0.0.7:8080', lines: [] },
  {
    method: 'GET',
    target: '/search?q=caf%C3%A9&tags[]=a|b&json={"a":"b"}&t=`x`^~',
    host: 'www.example.com:8443',
    lines: ['Referer: https://www.example.com/search?q=x#top', `Cookie: ${LONG_COOKIE}`],
  },
  {
    method: 'GET',
    target: '/static/app.3f2a1b.js',
    host: 'cdn.example.net',
    lines: [
      'If-None-Match: W/"5e1-18c3a2b7f40"',
      'If-Modified-Since: Tue, 05 Dec 2023 10:00:00 GMT',
      'Range: bytes=0-1023,2048-',
    ],
  },
  {
    method: 'POST',
    target: '/api/v1/items',
    host: 'api.example.com',
    lines: [
      'Content-Type: application/json; charset=utf-8',
      'Content-Length: 348',
      'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
      'X-Request-ID: 7b1f7c2e-5a0f-4a26-8f5e-0c8a6f1c9d11',
      'X-Requested-With: XMLHttpRequest',
      'Origin: https://example.com',
    ],
  },
  {
    method: 'POST',
    target: '/upload',
    host: 'files.example.com',
    lines: [
      'Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW',
      'Content-Length: 10485760',
      'Cookie: session=s%3Aabc.def; theme="dark"; empty=',
    ],
  },
  {
    method: 'PUT',
    target: '/bucket/key%20with%20spaces?partNumber=1&uploadId=x',
    host: 's3.local',
    lines: [
      'x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'x-amz-date: 20231205T100000Z',
      'Authorization: AWS4-HMAC-SHA256 Credential=AKID/20231205/eu/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0a1b',
      'Content-Length: 65536',
      'Content-Encoding: aws-chunked',
    ],
  },
  {
    method: 'POST',
    target: '/pkg.Service/Method',
    host: 'grpc.example.com',
    lines: [
      'Content-Type: application/grpc-web+proto',
      'X-Grpc-Web: 1',
      'X-User-Agent: grpc-web-javascript/0.1',
      'grpc-timeout: 10S',
      'Transfer-Encoding: chunked',
    ],
  },
  {
    method: 'POST',
    target: '/ingest',
    host: 'logs.example.com',
    lines: [
      'Content-Type: application/x-ndjson',
      'Content-Encoding: gzip',
      'Transfer-Encoding: chunked',
      'Trailer: Digest',
      'Expect: 100-continue',
    ],
  },
  {
    method: 'DELETE',
    target: '/api/v1/items/42',
    host: '[2001:db8::1]:8080',
    lines: ['If-Match: "v3"', 'Prefer: return=minimal', 'Content-Length: 0'],
  },
  {
    method: 'OPTIONS',
    target: '/api/v1/items',
    host: 'api.example.com',
    lines: [
      'Access-Control-Request-Method: PATCH',
      'Access-Control-Request-Headers: authorization,content-type',
      'Origin: null',
    ],
  },
  {
    method: 'GET',
    target: '/',
    host: 'origin.example.com',
    lines: [
      'CF-Connecting-IP: 2001:db8::2',
      'CF-Ray: 83a1b2c3d4e5f6a7-FRA',
      'CF-Visitor: {"scheme":"https"}',
      'CDN-Loop: cloudflare',
      'X-Forwarded-For: 198.51.100.7, 203.0.113.9',
      'X-Forwarded-Proto: https',
      'True-Client-IP: 198.51.100.7',
      'Via: 1.1 varnish, 1.1 google',
      'X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1',
      'X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678',
      'X-Varnish: 32770',
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'tracestate: rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
      'b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1',
      'baggage: userId=alice,serverNode=DF%2028',
    ],
  },
  {
    method: 'PROPFIND',
    target: '/dav/calendars/user/',
    host: 'dav.example.com',
    lines: [
      'Depth: 1',
      'Content-Type: text/xml; charset="utf-8"',
      'Content-Length: 179',
      'Brief: t',
    ],
  },
]

export const SOCKETS: readonly Asking[] = [
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate',
  'x-webkit-deflate-frame',
].map((extensions) => ({
  method: 'GET',
  target: '/socket.io/?EIO=4&transport=websocket',
  host: 'ws.example.com',
  lines: [
    ...['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
    ...['Origin: https://example.com', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
    ...[`Sec-WebSocket-Extensions: ${extensions}`, 'Sec-WebSocket-Protocol: chat, superchat'],
  ],
}))
