// A service for tests: answers after a delay that a file tells at each request, and says who it is.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { PORT, HOST, DELAY_FILE } = process.env
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
    const answer = JSON.stringify({ replica, pid: process.pid, method, url, headers, body })
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-replica': replica })
      response.end(answer)
    }, delayMs)
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(PORT), HOST)
process.on('SIGTERM', () => {
  ending = true
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
