/** What an image is called, by Docker's own rules. Pure. */

export interface ImageReference {
  /** `registry:5000`, as it was written; undefined: Docker Hub. */
  readonly registry?: string
  readonly repository: string
  readonly tag?: string
  /** `sha256:…`: it says exactly which image; a tag beside it says nothing more. */
  readonly digest?: string
}

const NAME_LENGTH_MAX = 255
const TEXT_LENGTH_MAX = 520
/** What the engine puts before a short name when it measures it. */
const HUB_LIBRARY = 'docker.io/library/'
const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io']
const HUB_CREDENTIALS = 'https://index.docker.io/v1/'

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::(\\d{1,5}))?$`)
const PART = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${PART}(?:/${PART})*$`)
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/
/** The engine takes such a name for the id of an image. */
const IMAGE_ID = /^[0-9a-f]{64}$/

const EXPECTED = 'expected an image like registry:5000/team/app:1.2'

/** Throws an Error whose message is one clause. */
export function parseImage(text: string): ImageReference {
  if (text.length > TEXT_LENGTH_MAX) throw new Error(`${EXPECTED}, not one so long`)
  const [named, digest] = cutAt(text, text.indexOf('@'))
  // A colon before the last slash belongs to the registry's port.
  const colon = named.lastIndexOf(':')
  const [name, tag] = cutAt(named, colon > named.lastIndexOf('/') ? colon : -1)
  const { registry, repository } = split(name)
  check(registry === undefined || isRegistry(registry), EXPECTED)
  check(repository === repository.toLowerCase(), `${EXPECTED}, its name in lower case`)
  check(REPOSITORY.test(repository), EXPECTED)
  check(registry !== undefined || !IMAGE_ID.test(repository), `${EXPECTED}, not the id of one`)
  check(measured(registry, repository) <= NAME_LENGTH_MAX, `${EXPECTED}, not one so long`)
  check(tag === undefined || TAG.test(tag), `${EXPECTED} with another tag`)
  check(digest === undefined || DIGEST.test(digest), `${EXPECTED} or app@sha256:… with 64 digits`)
  return {
    repository,
    ...(registry === undefined ? {} : { registry }),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

export function formatImage({ tag, digest, ...named }: ImageReference): string {
  const tagged = tag === undefined ? nameOf(named) : `${nameOf(named)}:${tag}`
  return digest === undefined ? tagged : `${tagged}@${digest}`
}

/** Without tag and digest. */
export function nameOf({ registry, repository }: ImageReference): string {
  return registry === undefined ? repository : `${registry}/${repository}`
}

/**
 * What is really run: in the given registry when the image names none, `latest` when it names
 * neither tag nor digest.
 */
export function completeImage(text: string, registryPrefix?: string): string {
  const image = parseImage(text)
  const tagged = (image.tag ?? image.digest) ? image : { ...image, tag: 'latest' }
  if (image.registry !== undefined || registryPrefix === undefined) return formatImage(tagged)
  return `${parseRegistryPrefix(registryPrefix)}/${formatImage(tagged)}`
}

/** `registry:5000` or `registry:5000/team`; throws an Error whose message is one clause. */
export function parseRegistryPrefix(text: string): string {
  const prefix = text.endsWith('/') ? text.slice(0, -1) : text
  const [registry = '', ...path] = prefix.split('/')
  const named = looksLikeRegistry(registry) && isRegistry(registry)
  const short = prefix.length < NAME_LENGTH_MAX
  if (short && named && (path.length === 0 || REPOSITORY.test(path.join('/')))) return prefix
  throw new Error('expected a registry like registry:5000 or registry:5000/team')
}

/** The name under which the credentials for an image are kept. */
export function registryOf({ registry = 'docker.io' }: ImageReference): string {
  return HUB_NAMES.includes(registry) ? HUB_CREDENTIALS : registry
}

function split(name: string): { registry?: string; repository: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(0, slash))
  if (!looksLikeRegistry(first)) return { repository: name }
  return { registry: first, repository: name.slice(slash + 1) }
}

function looksLikeRegistry(first: string): boolean {
  return first === 'localhost' || /[.:]/.test(first)
}

function isRegistry(text: string): boolean {
  const found = REGISTRY.exec(text)
  const port = found?.[1]
  return found !== null && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535))
}

/** The length of the name by which the engine keeps it. */
function measured(registry: string | undefined, repository: string): number {
  if (registry !== undefined) return registry.length + 1 + repository.length
  return HUB_LIBRARY.length + repository.length
}

function cutAt(text: string, at: number): [string, string | undefined] {
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function check(holds: boolean, clause: string): void {
  if (!holds) throw new Error(clause)
}
