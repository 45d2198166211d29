// Says by its exit code whether the program of this container answers. Without a URL it asks where
// process 1 listens, by its command line, its environment and the defaults of the programs.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { argv, env, exit, stderr } from 'node:process'

const DEADLINE_MS = 4_000
const PROGRAMS = {
  master: { flag: '--port', variable: 'ORCHESTRIFY_PORT', port: '18080', path: '/v1/health' },
  worker: { flag: '--port', variable: 'ORCHESTRIFY_PORT', port: '18081', path: '/healthz' },
  proxy: {
    ...{ flag: '--admin-port', variable: 'ORCHESTRIFY_ADMIN_PORT' },
    ...{ port: '8081', path: '/healthz' },
  },
}

const url = argv[2] ?? urlOf(readFileSync('/proc/1/cmdline', 'utf8').split('\0'))
// A command that runs to its end has no health.
if (url === undefined) exit(0)

get(url, { signal: AbortSignal.timeout(DEADLINE_MS) }, (response) => {
  if (response.statusCode !== 200) failed(`it answers ${response.statusCode}`)
  else exit(0)
}).on('error', (error) => failed(error.message))

function urlOf(words) {
  const at = words.findIndex((word) => Object.hasOwn(PROGRAMS, word))
  if (at < 0) return undefined
  const { flag, variable, port, path } = PROGRAMS[words[at]]
  return `http://127.0.0.1:${given(flag, words.slice(at)) ?? (env[variable] || port)}${path}`
}

function given(flag, words) {
  const at = words.findLastIndex((word) => word === flag || word.startsWith(`${flag}=`))
  if (at < 0) return undefined
  return words[at] === flag ? words[at + 1] : words[at].slice(flag.length + 1)
}

function failed(reason) {
  stderr.write(`Cannot reach ${url}: ${reason}\n`)
  exit(1)
}
