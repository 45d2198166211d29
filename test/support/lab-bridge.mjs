// Runs on the network of a lab's master and forwards Unix sockets to addresses there. Each line of
// standard input asks for one: {"id", "kind": "reach" | "probe", "address", "port", "path",
// "timeoutMs"}; each line of standard output answers one. Ends with its standard input.
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const CONNECT_MAX_MS = 5_000

const OUTCOMES = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timeout',
}

const asks = { reach, probe }
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const asked = JSON.parse(line)
  asks[asked.kind](asked, (outcome) => {
    process.stdout.write(`${JSON.stringify({ id: asked.id, outcome })}\n`)
  })
})
lines.on('close', () => process.exit(0))

function reach({ address, port, path }, answer) {
  const server = createServer({ allowHalfOpen: true }, (near) => forward(near, address, port))
  server.on('error', (error) => answer(error.code ?? error.message))
  server.listen(path, () => answer('open'))
}

function forward(near, host, port) {
  const far = connect({ host, port, allowHalfOpen: true, noDelay: true })
  const tooLate = setTimeout(() => far.destroy(new Error('connect timeout')), CONNECT_MAX_MS)
  far.on('connect', () => clearTimeout(tooLate))
  far.on('close', () => clearTimeout(tooLate))
  // A pipe ends its target when its source ends, and leaves the other direction open.
  near.pipe(far)
  far.pipe(near)
  far.on('error', () => near.destroy())
  near.on('error', () => far.resetAndDestroy())
}

function probe({ address, port, timeoutMs }, answer) {
  const far = connect({ host: address, port })
  let outcome = 'timeout'
  const tooLate = setTimeout(() => far.destroy(), timeoutMs)
  far.on('connect', () => {
    outcome = 'open'
    far.destroy()
  })
  far.on('error', (error) => {
    outcome = OUTCOMES[error.code] ?? error.code
  })
  far.on('close', () => {
    clearTimeout(tooLate)
    answer(outcome)
  })
}
