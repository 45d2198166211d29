// Installs what the benches measure against and with, when it may; prints what is missing as JSON.
import { spawnSync } from 'node:child_process'

const tools = [
  { name: 'caddy', without: 'the comparison with Caddy' },
  { name: 'gcc', without: 'every load and every backend' },
  { name: 'haproxy', without: 'the comparison with HAProxy' },
  { name: 'libc6-dev', without: 'every load and every backend' },
  { name: 'nghttp2-client', without: 'the load of HTTP/2' },
  { name: 'nginx-light', program: 'nginx', without: 'the comparison with nginx' },
  { name: 'wrk', without: 'the load of the closed loops' },
]

const absent = tools.filter((tool) => !isThere(tool))
const reason = absent.length === 0 ? '' : tryToInstall(absent.map(({ name }) => name))
const missing = absent
  .filter((tool) => !isThere(tool))
  .map(({ name, without }) => ({
    name,
    sentence: `Cannot measure ${without}: Debian package ${name} is not installed (${reason})`,
  }))
console.log(JSON.stringify(missing))

function isThere({ name, program }) {
  const asked = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' })
  const isInstalled =
    asked.status === 0 && asked.stdout.includes('\nStatus: install ok installed\n')
  return isInstalled || (program !== undefined && answers(program))
}

/** Another package may bring the same program. */
function answers(program) {
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  return spawnSync(program, ['-v'], { env: environment, stdio: 'ignore' }).status === 0
}

function tryToInstall(names) {
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    return 'no apt-get here'
  if (process.getuid?.() !== 0) return 'only root may install it'
  const waiting = ['-o', 'DPkg::Lock::Timeout=300', '-qq']
  run('apt-get', [...waiting, 'update'])
  const installed = run('apt-get', [
    ...waiting,
    'install',
    '-y',
    '--no-install-recommends',
    ...names,
  ])
  return installed ? 'it was installed, yet is not there' : 'apt-get failed'
}

function run(program, args) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Standard output is the answer alone.
  const stdio = ['ignore', process.stderr, process.stderr]
  const done = spawnSync(program, args, { env: environment, stdio, timeout: 600_000 })
  return done.status === 0
}
