/** Images on this machine: each is pulled once, however many replicas wait for it. */
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import { invalid, RequestError, sentenceOf } from '../../../shared/errors.ts'
import {
  completeImage,
  formatImage,
  type ImageReference,
  nameOf,
  parseImage,
} from '../../../shared/image-reference.ts'
import type { Log } from '../../../shared/log.ts'
import type { PullPolicy } from '../../../shared/model.ts'
import type { StartProgress } from '../../../shared/stream-protocol.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'
import { getFrom } from './engine-get.ts'
import { ImagePull } from './image-pull.ts'
import { PullError } from './pull-error.ts'
import type { RegistryCredentials } from './registry-credentials.ts'

export interface Images {
  /** Resolves with what the image says of itself once it is here; rejects with one sentence. */
  ensure(asked: AskedImage, onProgress: OnProgress, signal: AbortSignal): Promise<ImageFacts>
}

export interface AskedImage {
  readonly image: string
  readonly pull: PullPolicy
}

export interface ImageFacts {
  readonly id: string
  /** The tcp ports that it says it listens on, least first. */
  readonly exposedPorts: readonly number[]
  readonly hasHealthcheck: boolean
}

export type OnProgress = (progress: StartProgress) => void

export interface ImagesParts {
  readonly engine: Pick<Engine, 'call' | 'stream'>
  readonly credentials: RegistryCredentials
  readonly clock: Clock
  readonly log: Log
}

export function createImages(parts: ImagesParts): Images {
  const pulls = new Map<string, ImagePull>()
  return {
    ensure: async ({ image: text, pull }, onProgress, signal) => {
      const image = parsed(text)
      const asked = { image, name: formatImage(image), onProgress, signal }
      const here = await look(parts, asked)
      if (here !== undefined && pull === 'missing') return here
      return await fetched(parts, asked, shared(parts, pulls, asked), here)
    },
  }
}

interface Asked {
  readonly image: ImageReference
  readonly name: string
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

/** A registry that cannot be asked leaves the image that is here. */
async function fetched(
  parts: ImagesParts,
  asked: Asked,
  pull: ImagePull,
  here: ImageFacts | undefined,
): Promise<ImageFacts> {
  const { name: image, onProgress, signal } = asked
  try {
    if (here === undefined) await pull.join(onProgress, signal)
    else await pull.joinBriefly(onProgress, signal)
  } catch (error) {
    if (here === undefined || !(error instanceof PullError) || !error.mayUseOld) throw error
    parts.log.warn('image not renewed', { image, reason: sentenceOf(error) })
    return here
  }
  const facts = await look(parts, asked)
  if (facts !== undefined) return facts
  const sentence = `Cannot use image ${image}: it was removed as soon as it was pulled`
  throw new RequestError(409, 'IMAGE_REMOVED', sentence)
}

/** The pull that is under way, or a new one. */
function shared(
  parts: ImagesParts,
  pulls: Map<string, ImagePull>,
  { name, image }: Asked,
): ImagePull {
  const current = pulls.get(name)
  if (current !== undefined && !current.isAbandoned) return current
  const pull = new ImagePull({ ...parts, image, name })
  pulls.set(name, pull)
  const forget = (): void => {
    if (pulls.get(name) === pull) pulls.delete(name)
  }
  pull.ended.then(forget, forget)
  return pull
}

const inspectSchema = z.object({
  Id: z.string(),
  Config: z
    .object({
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Healthcheck: z.object({ Test: z.array(z.string()).nullish() }).nullish(),
    })
    .nullish(),
})

/** Undefined when it is not here. */
async function look(
  { engine }: ImagesParts,
  { image, name, signal }: Asked,
): Promise<ImageFacts | undefined> {
  try {
    // With a digest the engine keeps it under that alone.
    const key = image.digest === undefined ? name : `${nameOf(image)}@${image.digest}`
    const what = `inspect image ${name}`
    const seen = await engine.call(
      what,
      (docker, abortSignal) => getFrom(docker, `/images/${key}/json`, { abortSignal }),
      { signal },
    )
    return factsOf(inspectSchema.parse(seen))
  } catch (error) {
    if (isRefused(error, 404)) return undefined
    throw error
  }
}

function factsOf({ Id: id, Config: config }: z.infer<typeof inspectSchema>): ImageFacts {
  const [test = 'NONE'] = config?.Healthcheck?.Test ?? []
  const exposedPorts = Object.keys(config?.ExposedPorts ?? {})
    .map((key) => /^(\d+)(?:\/tcp)?$/.exec(key)?.[1])
    .filter((port) => port !== undefined)
    .map(Number)
    .sort((one, other) => one - other)
  return { id, exposedPorts, hasHealthcheck: test !== 'NONE' }
}

function parsed(text: string): ImageReference {
  try {
    return parseImage(completeImage(text))
  } catch (error) {
    throw invalid(`Cannot use image ${JSON.stringify(text.slice(0, 200))}: ${sentenceOf(error)}`)
  }
}
