// A service for tests: answers after a delay that a file tells at each request, and says who it is.
// `/echo?TEXT` answers `?TEXT` alone; with START_AFTER_MS it takes its time before it listens.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { PORT, HOST, DELAY_FILE, START_AFTER_MS } = process.env
const replica = process.env.ORCHESTRIFY_REPLICA ?? ''

function told(path, fallback) {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return fallback
  }
}

let ending = false
const server = createServer((request, response) => {
  if (ending) response.setHeader('connection', 'close')
  const delayMs = request.url === '/health' ? 0 : Number(told(DELAY_FILE ?? '', '0'))
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8')
    const { method, url, headers } = request
    const whole = JSON.stringify({ replica, pid: process.pid, method, url, headers, body })
    const answer = url.startsWith('/echo?') ? url.slice('/echo'.length) : whole
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-replica': replica })
      response.end(answer)
    }, delayMs)
  })
})
server.keepAliveTimeout = 60_000
setTimeout(() => server.listen(Number(PORT), HOST), Number(START_AFTER_MS ?? '0'))
process.on('SIGTERM', () => {
  ending = true
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
