/** What this machine may show to registries: Docker's own config.json and credential helpers. */
import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import { isErrno } from '../process/errno.ts'
import { askHelper } from './credential-program.ts'

export interface RegistryCredentials {
  /** For a registry as `registryOf` names it. Never rejects: an image may be free for everybody. */
  of(registry: string): Promise<Credentials>
}

export interface Credentials {
  readonly auth?: RegistryAuth
  /** Why there is none although there should be, as a clause. */
  readonly trouble?: string
}

/** As the engine takes it. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string }

export interface CredentialsParts {
  /** Where `config.json` lies. */
  readonly directory: string
  readonly log: Log
  /** What credential helpers are run with. */
  readonly environment?: Environment
}

type Environment = Readonly<Record<string, string | undefined>>

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
})
const configSchema = z.object({
  auths: z.record(z.string(), entrySchema).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
})

type Config = z.infer<typeof configSchema>
type Entry = z.infer<typeof entrySchema>

const FILE_BYTES_MAX = 1_048_576
/** Instead of a name, a helper says so when its secret is a token. */
const TOKEN_USER = '<token>'
const HUB_HOSTS = ['docker.io', 'registry-1.docker.io']

/** `DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigDirectory({ DOCKER_CONFIG, HOME }: Environment): string {
  if (DOCKER_CONFIG !== undefined && DOCKER_CONFIG !== '') return DOCKER_CONFIG
  return join(HOME === undefined || HOME === '' ? homedir() : HOME, '.docker')
}

export function openRegistryCredentials(parts: CredentialsParts): RegistryCredentials {
  const { directory, log, environment = process.env } = parts
  const path = join(directory, 'config.json')
  let told: string | undefined
  // The same trouble is told once, and again only after it was another or gone.
  const tell = (trouble: string | undefined): void => {
    if (trouble !== undefined && trouble !== told)
      log.warn('Docker configuration unusable', { path, trouble })
    told = trouble
  }
  return {
    of: async (registry) => {
      const config = await readConfig(path)
      tell(typeof config === 'string' ? config : undefined)
      if (typeof config === 'string') return { trouble: `${path} cannot be used: ${config}` }
      try {
        const auth = await find(registry, config, environment)
        return auth === undefined ? {} : { auth }
      } catch (error) {
        const trouble = sentenceOf(error)
        log.warn('credentials of a registry unusable', { registry, trouble })
        return { trouble }
      }
    },
  }
}

/** A sentence says why it cannot be used; it never repeats what is in it. */
async function readConfig(path: string): Promise<Config | string> {
  try {
    const text = await readBounded(path)
    if (text === undefined) return 'it is too long'
    const config = configSchema.safeParse(JSON.parse(text))
    if (config.success) return config.data
    return `its "${String(config.error.issues[0]?.path[0] ?? 'content')}" is not as Docker writes it`
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return {}
    return error instanceof SyntaxError ? 'it is not JSON' : sentenceOf(error)
  }
}

async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return size > FILE_BYTES_MAX ? undefined : await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function find(
  registry: string,
  config: Config,
  environment: Environment,
): Promise<RegistryAuth | undefined> {
  const helper = pick(config.credHelpers, registry) ?? config.credsStore
  // As in Docker: where a helper is responsible, the file says nothing.
  if (helper === undefined || helper === '')
    return fromEntry(registry, pick(config.auths, registry))
  const answer = await askHelper({ helper, registry, environment })
  if (answer === undefined) return undefined
  const { username, secret } = answer
  if (username === TOKEN_USER) return { identitytoken: secret, serveraddress: registry }
  return { username, password: secret, serveraddress: registry }
}

function fromEntry(registry: string, entry: Entry = {}): RegistryAuth | undefined {
  const { auth = '', username = '', password = '', identitytoken = '' } = entry
  if (identitytoken !== '') return { identitytoken, serveraddress: registry }
  if (auth === '') {
    return username === '' ? undefined : { username, password, serveraddress: registry }
  }
  const text = Buffer.from(auth, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) throw new Error(`what Docker's config.json has for ${registry} is damaged`)
  // Older versions of Docker have ended it with NUL characters.
  const secret = text.slice(colon + 1).replace(/\0+$/, '')
  return { username: text.slice(0, colon), password: secret, serveraddress: registry }
}

/** An exact key first, else one that means the same host, as `https://reg:5000/v2/` does. */
function pick<T>(table: Readonly<Record<string, T>> | undefined, registry: string): T | undefined {
  const entries = Object.entries(table ?? {})
  const host = hostOf(registry)
  const found =
    entries.find(([key]) => key === registry) ?? entries.find(([key]) => hostOf(key) === host)
  return found?.[1]
}

function hostOf(key: string): string {
  const host = key
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/s, '')
  return HUB_HOSTS.includes(host) ? 'index.docker.io' : host
}
