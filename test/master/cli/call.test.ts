/** Calls that need no cluster: what is wrong with them is said in one sentence. */
import { createServer } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { freePort, Program, run } from '../../support/program.ts'
import { until } from '../../support/until.ts'

const running: Program[] = []
const started = (...parameters: ConstructorParameters<typeof Program>): Program => {
  const program = new Program(...parameters)
  running.push(program)
  return program
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.end('SIGKILL')))
})

const refused = [
  { argv: ['serivces'], says: 'Cannot find the command "serivces"; did you mean "services"?' },
  { argv: ['nodes', '--jsno'], says: 'Cannot use the flag --jsno; did you mean "json"?' },
  { argv: ['nodes', '-x'], says: 'Cannot use the flag -x' },
  { argv: ['nodes', 'extra'], says: 'Cannot use "extra": one too many' },
  { argv: ['nodes', '--', 'x'], says: 'Cannot use what follows "--": "nodes" takes no command' },
  { argv: ['node'], says: 'Cannot run "node": expected NODE' },
  { argv: ['scale', 'web'], says: 'Cannot scale "web": nothing to change is given' },
  { argv: ['scale', 'web', 'NaN'], says: 'Cannot use "NaN" for COUNT: expected a whole number' },
  { argv: ['scale', 'web', '--min', 'x'], says: 'Cannot use "x" for --min' },
  { argv: ['run', 'web'], says: 'Cannot run "web": neither an image nor a command is given' },
  { argv: ['run', 'web', '--port', 'x', '--', 'y'], says: 'Cannot use "x" for --port' },
  { argv: ['run', 'web', '--timeout', 'soon', '--', 'y'], says: 'Cannot use "soon" for --timeout' },
  { argv: ['--image-name', 'nginx', '-p', '80:'], says: 'Cannot use "80:" for --port' },
  {
    argv: ['--image-name', 'nginx', '-p', '80', '--port', '81'],
    says: 'Cannot use "81" for --port beside "80": a service has one port',
  },
  { argv: ['run', 'web', '--label', 'x', '--', 'y'], says: 'Cannot use "x" for --label' },
  { argv: ['run', 'web', '--health', 'x', '--', 'y'], says: 'Cannot use "x" for --health' },
  { argv: ['up', '--driver', 'podman'], says: 'Cannot use "podman" for --driver: expected auto' },
  { argv: ['--image-name', 'nginx', '-e', 'x'], says: 'Cannot use the variable "x"' },
  { argv: ['--node'], says: 'Cannot read the command line: Not enough arguments following: node' },
  { argv: ['nodes', '--master', 'ftp://x'], says: 'Cannot use "ftp://x" as a master' },
  { argv: ['up', '--workers', '-1'], says: 'Cannot use "-1" for --workers' },
  { argv: ['up', '--port', '65536'], says: 'Cannot use "65536" for --port' },
  { argv: ['down', '--workers', '1'], says: 'Cannot use the flag --workers' },
] as const

test.each(refused)('$argv exits with 2 and says: $says', async ({ argv, says }) => {
  const { code, output } = await run('master', argv)
  expect(output.startsWith(says), output).toBe(true)
  expect(output.split('\n').length).toBeLessThanOrEqual(3)
  expect(code).toBe(2)
})

test('a call without a master is one sentence, the next step and exit code 1', async () => {
  const port = await freePort()
  const { code, output } = await run('master', ['nodes', '--master', `127.0.0.1:${port}`])
  expect(output).toBe(
    `Cannot reach the master at http://127.0.0.1:${port}: the connection was refused\n` +
      'Start one with "orchestrify up", or name it with --master.\n',
  )
  expect(code).toBe(1)
})

test('a call beyond this machine needs a token or --insecure', async () => {
  const { code, output } = await run('master', ['nodes', '--master', 'http://192.0.2.1:18080'])
  expect(output).toMatch(/plain HTTP is for loopback only/)
  expect(code).toBe(1)
})

test.each([['--help'], ['nodes', '--help'], ['master', '--help'], ['--version']])(
  '%s %s explains and exits with 0',
  async (...argv) => {
    const { code, output } = await run('master', argv)
    expect(output).toMatch(/orchestrify|^\d+\.\d+\.\d+\n$/)
    expect(code).toBe(0)
  },
)

/** Something that listens where a master should be. */
async function served(body: string, type = 'application/json') {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': type })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { server, master: `http://127.0.0.1:${port}` }
}

test.each([
  { body: '{"nodes":[{"id":7}]}', says: /^Cannot read the master's answer: it is not a list of/ },
  { body: '<html>hello</html>', says: /^Cannot / },
  { body: '', says: /^Cannot read the master's answer/ },
])('nodes answers <$body> from another program with one sentence', async ({ body, says }) => {
  const { server, master } = await served(body)
  const { code, output } = await run('master', ['nodes', '--master', master])
  server.close()
  expect(output).toMatch(says)
  expect(output).not.toMatch(/\n {4}at /)
  expect(code).toBe(1)
})

test('--json prints what the API answered, untouched', async () => {
  const answer = { nodes: [], extra: { kept: true } }
  const { server, master } = await served(JSON.stringify(answer))
  const { output } = await run('master', ['nodes', '--json', '--master', master])
  server.close()
  expect(JSON.parse(output)).toEqual(answer)
})

test('--watch goes on when the master goes away, and says so', async () => {
  const { server, master } = await served('{"nodes":[]}')
  const watch = started('master', ['nodes', '--watch', '--master', master])
  await until(() => watch.output.includes('No nodes'))
  server.closeAllConnections()
  server.close()
  await until(() => watch.output.includes('Cannot reach the master'))
  expect(await watch.end('SIGINT')).toBe(0)
})

test('a list whose reader goes early is no failure', async () => {
  const { server, master } = await served('{"nodes":[]}')
  const watch = started('master', ['nodes', '--watch', '--json', '--master', master])
  await until(() => watch.output.includes('nodes'))
  watch.child.stdout?.destroy()
  server.closeAllConnections()
  server.close()
  expect(await watch.ended()).toBe(0)
})
