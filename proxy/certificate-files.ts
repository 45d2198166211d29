import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { RequestError, sentenceOf } from '../shared/errors.ts'

/** Where certificates and their keys lie, as the user says it. */
export interface CertificateSources {
  readonly certs: readonly string[]
  readonly keys: readonly string[]
  readonly directory: string | undefined
}

/** One certificate (or chain) with its key. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

const CERTIFICATES_MAX = 10_000
const FILE_BYTES_MAX = 1_000_000
/** How clients of ACME lay out what they got: a folder per name. */
const CHAIN = 'fullchain.pem'
const CHAIN_KEY = 'privkey.pem'

/** The pairs of files, in the order in which they were given; the first serves who names nobody. */
export async function certificateFiles(
  sources: CertificateSources,
): Promise<readonly CertificateFiles[]> {
  const { certs, keys, directory } = sources
  if (certs.length !== keys.length) {
    throw unusable(`there are ${certs.length} of --tls-cert and ${keys.length} of --tls-key`)
  }
  const named = certs.map((cert, at) => ({ cert, key: keys[at] ?? '' }))
  const found = directory === undefined ? [] : await pairsIn(directory)
  const pairs = [...named, ...found]
  if (pairs.length === 0) {
    throw unusable(
      directory === undefined
        ? 'neither --tls-cert and --tls-key nor --tls-dir is given'
        : `${directory} holds no NAME.crt with its NAME.key`,
    )
  }
  if (pairs.length > CERTIFICATES_MAX) throw unusable(`there are more than ${CERTIFICATES_MAX}`)
  return pairs
}

export async function readCertificateFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unusable(`${path}: ${reasonOf(error)}`)
  }
}

/** Changes whenever one of the files does; also when one comes or goes. */
export async function fingerprintOf(pairs: readonly CertificateFiles[]): Promise<string> {
  const paths = pairs.flatMap(({ cert, key }) => [cert, key])
  const marks = await Promise.all(paths.map(markOf))
  return marks.join('\n')
}

export function unusable(reason: string): RequestError {
  return new RequestError(400, 'USAGE', `Cannot use the certificates: ${reason}`)
}

async function markOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch (error) {
    return `${path} ${reasonOf(error)}`
  }
}

/** `NAME.crt` beside `NAME.key`, and folders that hold a chain with its key. */
async function pairsIn(directory: string): Promise<readonly CertificateFiles[]> {
  const names = await namesIn(directory)
  const present = new Set(names)
  const beside = names.flatMap((name) => {
    const key = name.replace(/\.(crt|cert|pem)$/, '.key')
    return key !== name && present.has(key) ? [{ cert: name, key }] : []
  })
  const inside = await Promise.all(names.map((name) => chainIn(directory, name)))
  return [...beside, ...inside.flat()].map(({ cert, key }) => ({
    cert: join(directory, cert),
    key: join(directory, key),
  }))
}

async function chainIn(directory: string, name: string): Promise<readonly CertificateFiles[]> {
  const pair = { cert: join(name, CHAIN), key: join(name, CHAIN_KEY) }
  const found = await Promise.all(
    [pair.cert, pair.key].map((path) => isFile(join(directory, path))),
  )
  return found.every(Boolean) ? [pair] : []
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    throw unusable(`${directory}: ${reasonOf(error)}`)
  }
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'it may not be read'
  if (code === 'EISDIR') return 'it is a folder'
  return sentenceOf(error)
}
