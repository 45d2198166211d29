/** What is no browser, as it introduces itself. */
export interface Client {
  readonly name: string
  readonly lines: readonly string[]
  /** Where it puts its Host: some send it last. */
  readonly hostAt?: number
  readonly version?: string
}

export const TOOLS: readonly Client[] = [
  { name: 'curl 7', lines: ['User-Agent: curl/7.88.1', 'Accept: */*'] },
  {
    name: 'curl 8 with h2c',
    lines: [
      'User-Agent: curl/8.5.0',
      'Accept: */*',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ],
  },
  {
    name: 'wget',
    lines: [
      'User-Agent: Wget/1.21.3',
      'Accept: */*',
      'Accept-Encoding: identity',
      'Connection: Keep-Alive',
    ],
    hostAt: 3,
  },
  {
    name: 'python-requests',
    lines: [
      'User-Agent: python-requests/2.31.0',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
    ],
  },
  {
    name: 'httpx',
    lines: [
      'Accept: */*',
      'Accept-Encoding: gzip, deflate, br',
      'Connection: keep-alive',
      'User-Agent: python-httpx/0.27.0',
    ],
  },
  {
    name: 'aiohttp',
    lines: [
      'Accept: */*',
      'Accept-Encoding: gzip, deflate',
      'User-Agent: Python/3.11 aiohttp/3.9.1',
    ],
  },
  {
    name: 'urllib',
    lines: ['Accept-Encoding: identity', 'User-Agent: Python-urllib/3.11', 'Connection: close'],
    hostAt: 1,
  },
  { name: 'Go', lines: ['User-Agent: Go-http-client/1.1', 'Accept-Encoding: gzip'] },
  {
    name: 'okhttp',
    lines: ['Connection: Keep-Alive', 'Accept-Encoding: gzip', 'User-Agent: okhttp/4.12.0'],
  },
  {
    name: 'Java 17',
    lines: [
      'Connection: Upgrade, HTTP2-Settings',
      'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
      'Upgrade: h2c',
      'User-Agent: Java-http-client/17.0.9',
    ],
  },
  {
    name: 'HttpURLConnection',
    lines: [
      'User-Agent: Java/1.8.0_392',
      'Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2',
      'Connection: keep-alive',
    ],
    hostAt: 1,
  },
  {
    name: 'Apache HttpClient',
    lines: [
      'Connection: Keep-Alive',
      'User-Agent: Apache-HttpClient/4.5.14 (Java/17.0.9)',
      'Accept-Encoding: gzip,deflate',
    ],
  },
  {
    name: 'undici',
    lines: [
      'connection: keep-alive',
      'accept: */*',
      'accept-language: *',
      'sec-fetch-mode: cors',
      'user-agent: node',
      'accept-encoding: gzip, deflate',
    ],
  },
  {
    name: 'axios',
    lines: [
      'Accept: application/json, text/plain, */*',
      'User-Agent: axios/1.6.2',
      'Accept-Encoding: gzip, compress, deflate, br',
      'Connection: close',
    ],
    hostAt: 3,
  },
  {
    name: 'node-fetch',
    lines: [
      'Accept: */*',
      'User-Agent: node-fetch/1.0 (+https://github.com/bitinn/node-fetch)',
      'Accept-Encoding: gzip,deflate',
      'Connection: close',
    ],
    hostAt: 4,
  },
  { name: 'reqwest', lines: ['accept: */*', 'user-agent: reqwest/0.11'], hostAt: 2 },
  { name: '.NET', lines: ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] },
  {
    name: 'Ruby',
    lines: [
      'Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      'Accept: */*',
      'User-Agent: Ruby',
      'Connection: close',
    ],
  },
  { name: 'PHP', lines: ['User-Agent: GuzzleHttp/7'], hostAt: 0 },
  { name: 'PHP stream', lines: ['Connection: close'], version: 'HTTP/1.0' },
  {
    name: 'Perl',
    lines: ['TE: deflate,gzip;q=0.3', 'Connection: TE, close', 'User-Agent: libwww-perl/6.72'],
  },
  {
    name: 'ApacheBench',
    lines: ['User-Agent: ApacheBench/2.3', 'Accept: */*'],
    version: 'HTTP/1.0',
  },
  { name: 'wrk', lines: [] },
  {
    name: 'k6',
    lines: ['User-Agent: k6/0.48.0 (https://k6.io/)', 'Accept-Encoding: gzip, deflate, br'],
  },
  {
    name: 'Postman',
    lines: [
      'User-Agent: PostmanRuntime/7.36.0',
      'Accept: */*',
      'Postman-Token: 2a1b6a4c-7d9c-4a64-9b2e-0f6f3f8f1c11',
      'Accept-Encoding: gzip, deflate, br',
      'Connection: keep-alive',
    ],
    hostAt: 3,
  },
  {
    name: 'Googlebot',
    lines: [
      'Connection: keep-alive',
      'Accept: text/html,application/xhtml+xml,*/*;q=0.8',
      'From: googlebot(at)googlebot.com',
      'User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
      'Accept-Encoding: gzip, deflate, br',
      'If-Modified-Since: Mon, 02 Jan 2023 03:04:05 GMT',
    ],
    hostAt: 0,
  },
  {
    name: 'bingbot',
    lines: [
      'Cache-Control: no-cache',
      'Connection: Keep-Alive',
      'Pragma: no-cache',
      'Accept: */*',
      'User-Agent: Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
    ],
  },
  {
    name: 'Kubernetes',
    lines: ['User-Agent: kube-probe/1.28', 'Accept: */*', 'Connection: close'],
  },
  {
    name: 'ELB',
    lines: [
      'Connection: close',
      'User-Agent: ELB-HealthChecker/2.0',
      'Accept-Encoding: gzip, compressed',
    ],
  },
  { name: 'Google health check', lines: ['User-Agent: GoogleHC/1.0', 'Connection: Keep-alive'] },
  { name: 'HAProxy check', lines: [], version: 'HTTP/1.0' },
  {
    name: 'Prometheus',
    lines: [
      'User-Agent: Prometheus/2.48.0',
      'Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1',
      'Accept-Encoding: gzip',
      'X-Prometheus-Scrape-Timeout-Seconds: 10',
    ],
  },
  {
    name: 'UptimeRobot',
    lines: [
      'connection: close',
      'cache-control: no-cache',
      'User-Agent: Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
      'accept-encoding: gzip, deflate, br',
    ],
    hostAt: 0,
  },
  {
    name: 'IE 6',
    lines: [
      'Accept: image/gif, image/x-xbitmap, image/jpeg, */*',
      'Accept-Language: en-us',
      'Accept-Encoding: gzip, deflate',
      'User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 2.0.50727)',
      'Connection: Keep-Alive',
    ],
    hostAt: 4,
  },
  {
    name: 'Lynx',
    lines: [
      'Accept: text/html, text/plain, text/css, text/sgml, */*;q=0.01',
      'Accept-Encoding: gzip, compress, bzip2',
      'Accept-Language: en',
      'User-Agent: Lynx/2.9.0dev.12 libwww-FM/2.14FM',
    ],
    version: 'HTTP/1.0',
  },
]
