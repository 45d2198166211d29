const http = require('node:http')
const { createProxyServer } = require('http-proxy')

const agent = new http.Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 })
const proxy = createProxyServer({ target: 'http://127.0.0.1:19001', agent, xfwd: true })
proxy.on('error', (_error, _request, response) => {
  try {
    response.writeHead(502)
    response.end()
  } catch {
    // The answer has begun: there is nothing left to say.
  }
})
http
  .createServer((request, response) => proxy.web(request, response))
  .listen(Number(process.env.PORT), '127.0.0.1')
