// Provides what the tests need besides the packages of package.json; quick when all of it is there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

const containers = 'tests on real containers'

const debianPackages = [
  { name: 'busybox-static', without: containers },
  { name: 'curl', without: 'tests of trust beyond this machine' },
  { name: 'docker.io', without: containers },
  { name: 'docker-compose', without: 'the test of the Compose file' },
  { name: 'docker-registry', without: 'tests that pull images' },
  { name: 'e2fsprogs', without: 'tests of a disk that fills up' },
  { name: 'iproute2', without: 'tests that make a network of their own' },
  { name: 'iptables', without: containers },
  { name: 'procps', without: 'tests that look at running processes' },
  { name: 'python3', without: 'tests of slow links between hosts' },
  { name: 'strace', without: 'tests that watch the system calls of a program' },
  { name: 'systemd', without: 'the check of the systemd units' },
  { name: 'util-linux', without: 'tests that make a network of their own' },
]

/** A newer Node beside the one that runs the tests. */
const newerNode = {
  version: '24.21.0',
  folder: join(root, 'node_modules', '.cache', 'newer-node'),
  without: 'the smoke test of the built programs on a newer Node',
}

const missing = [...installDebianPackages(), ...installNewerNode()]
for (const line of missing) console.error(`MISSING  ${line}`)
if (missing.length > 0 && process.env.CI === 'true') process.exitCode = 1

function installDebianPackages() {
  const wanted = debianPackages.filter(({ name }) => !isInstalled(name))
  if (wanted.length === 0) return []
  const reason = tryToInstall(wanted.map(({ name }) => name))
  return wanted
    .filter(({ name }) => !isInstalled(name))
    .map(({ name, without }) => `Debian package ${name} (${reason}): ${without} will not run`)
}

function isInstalled(name) {
  const asked = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' })
  return asked.status === 0 && asked.stdout.includes('\nStatus: install ok installed\n')
}

function tryToInstall(names) {
  if (spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    return 'no apt-get here'
  if (process.getuid?.() !== 0) return 'only root may install it'
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-qq', '-y', '--no-install-recommends']
  run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', 'update'])
  const installed = run('apt-get', ['install', ...options, ...names])
  return installed ? 'it was installed, yet is not there' : 'apt-get failed'
}

function installNewerNode() {
  const { version, folder, without } = newerNode
  const name = `node-linux-${process.arch}`
  if (existsSync(join(folder, 'node_modules', name, 'bin', 'node'))) return []
  const supported = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  const installed = supported && runNpm(folder, `${name}@${version}`)
  if (installed) return []
  return [`Node ${version} for ${process.platform}-${process.arch}: ${without} will not run`]
}

function runNpm(folder, spec) {
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  return run('npm', ['install', ...options, '--prefix', folder, spec])
}

function run(program, args) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Standard output stays free for the tests' own.
  const stdio = ['ignore', process.stderr, process.stderr]
  const done = spawnSync(program, args, { cwd: root, env: environment, stdio, timeout: 600_000 })
  return done.status === 0
}
