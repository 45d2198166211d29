/** What NODE_IMAGE is where no registry of images can be reached: this machine's own Node. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from '../support/program.ts'

const PATH = '/usr/local/bin:/usr/bin:/bin'
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** Makes the image's file system in a folder; answers the tar, and the arguments of its import. */
export function nodeImage(folder: string): { readonly tar: string; readonly settings: string[] } {
  const root = mkdtempSync(join(folder, 'node-'))
  for (const name of ['dev', 'proc', 'sys', 'tmp', 'root', 'etc', 'bin', 'usr/bin']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  put(root, newestNode(), '/usr/local/bin/node')
  for (const file of [newestNode(), libsql()]) {
    for (const library of librariesOf(file)) put(root, library, library)
  }
  putBusybox(root)
  putNpm(root)
  putAccounts(root)
  const trust = existsSync(CERTIFICATES) ? [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`] : []
  if (trust.length > 0) put(root, CERTIFICATES, CERTIFICATES)
  const tar = join(folder, 'node.tar')
  execFileSync('tar', ['--numeric-owner', '--owner=0', '--group=0', '-C', root, '-cf', tar, '.'])
  rmSync(root, { recursive: true })
  const settings = [`ENV PATH=${PATH}`, ...trust].flatMap((setting) => ['--change', setting])
  return { tar, settings }
}

/** The Node that images have by default is newer than the one that runs the tests. */
function newestNode(): string {
  const name = `node-linux-${process.arch}/bin/node`
  const newer = join(ROOT, 'node_modules/.cache/newer-node/node_modules', name)
  return existsSync(newer) ? newer : process.execPath
}

/** The one package with a library of its own: it needs no more than Node does, or says so here. */
function libsql(): string {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
  return join(ROOT, `node_modules/@libsql/linux-${arch}-gnu/index.node`)
}

function librariesOf(file: string): readonly string[] {
  const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' })
  const found = [...stdout.matchAll(/(?:=>|^)\s*(\/\S+)/gm)].map(([, path]) => path ?? '')
  return [...found, ...['libnss_dns.so.2', 'libresolv.so.2'].map((name) => beside(found, name))]
}

/** How names are resolved is chosen by files that nothing names. */
function beside(libraries: readonly string[], name: string): string {
  const libc = libraries.find((path) => path.includes('libc.so')) ?? ''
  return join(dirname(libc), name)
}

function put(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  cpSync(realpathSync(from), join(root, to))
}

function putBusybox(root: string): void {
  put(root, '/bin/busybox', '/bin/busybox')
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  }
  symlinkSync('/bin/env', join(root, 'usr/bin/env'))
}

function putNpm(root: string): void {
  const { stdout } = spawnSync('which', ['npm'], { encoding: 'utf8' })
  const npm = dirname(dirname(realpathSync(stdout.trim())))
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
}

function putAccounts(root: string): void {
  const passwd = ['root:x:0:0:root:/root:/bin/sh', 'node:x:1000:1000::/tmp:/bin/sh']
  writeFileSync(join(root, 'etc/passwd'), `${passwd.join('\n')}\n`)
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnode:x:1000:\n')
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
}
