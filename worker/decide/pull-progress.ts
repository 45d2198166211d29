import type { StartProgress } from '../../shared/stream-protocol.ts'

/** One line of what the engine tells while it pulls. */
export interface PullMessage {
  readonly status?: string | undefined
  /** The layer; beside other statuses it is something else. */
  readonly id?: string | undefined
  readonly doneBytes?: number | undefined
  readonly totalBytes?: number | undefined
}

interface Layer {
  readonly isDone: boolean
  readonly doneBytes: number
  /** Undefined until its download has begun. */
  readonly totalBytes?: number
}

/** No image has more: what claims to is not remembered. */
const LAYERS_MAX = 1_000
const WAITING: Layer = { isDone: false, doneBytes: 0 }

/** Sums up the layers of one image that is being pulled. */
export class PullProgress {
  readonly #image: string
  readonly #layers = new Map<string, Layer>()

  constructor(image: string) {
    this.#image = image
  }

  hear(message: PullMessage): void {
    const { id, status } = message
    if (id === undefined || status === undefined) return
    const before = this.#layers.get(id)
    const layer = nextOf(before ?? WAITING, status, message)
    if (layer === undefined) return
    if (before !== undefined || this.#layers.size < LAYERS_MAX) this.#layers.set(id, layer)
  }

  /** As everybody may see it. */
  get sum(): StartProgress {
    const layers = [...this.#layers.values()]
    if (layers.length === 0) return { text: `pulling ${this.#image}` }
    const done = layers.filter(({ isDone }) => isDone).length
    const noun = layers.length === 1 ? 'layer' : 'layers'
    const text = `pulling ${this.#image}, ${done} of ${layers.length} ${noun}`
    const doneBytes = layers.reduce((sum, layer) => sum + layer.doneBytes, 0)
    const totalBytes = totalOf(layers)
    return totalBytes === undefined ? { text, doneBytes } : { text, doneBytes, totalBytes }
  }

  /** `41 of 120 MB`; undefined before there was anything. */
  get amount(): string | undefined {
    const { doneBytes = 0, totalBytes } = this.sum
    if (totalBytes !== undefined && totalBytes > 0) {
      return `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
    }
    return doneBytes > 0 ? `${megabytes(doneBytes)} MB so far` : undefined
  }
}

/** What is known of the layer now; undefined when the line says nothing of a layer. */
function nextOf(before: Layer, status: string, message: PullMessage): Layer | undefined {
  switch (status) {
    case 'Pulling fs layer':
    case 'Waiting':
      return before
    case 'Downloading':
      return downloading(before, message)
    case 'Verifying Checksum':
    case 'Download complete':
      return whole(before)
    case 'Extracting':
      return whole({ ...before, ...sizeOf(message) })
    case 'Pull complete':
    case 'Already exists':
      return { ...whole(before), isDone: true }
    default:
      return undefined
  }
}

function downloading(before: Layer, message: PullMessage): Layer {
  const { totalBytes = Number.POSITIVE_INFINITY, ...size } = { ...before, ...sizeOf(message) }
  const doneBytes = Math.min(Math.max(0, message.doneBytes ?? 0), totalBytes)
  return Number.isFinite(totalBytes) ? { ...size, doneBytes, totalBytes } : { ...size, doneBytes }
}

/** Where the registry does not say how long a layer is, the engine tells -1 or nothing. */
function sizeOf({ totalBytes = 0 }: PullMessage): Pick<Layer, 'totalBytes'> {
  return totalBytes > 0 ? { totalBytes } : {}
}

/** A small layer is there before any of its bytes were told. */
function whole({ isDone, doneBytes, totalBytes = doneBytes }: Layer): Layer {
  return { isDone, doneBytes: totalBytes, totalBytes }
}

/** Undefined while the size of some layer is unknown: the sum of the others would mislead. */
function totalOf(layers: readonly Layer[]): number | undefined {
  let total = 0
  for (const { totalBytes } of layers) {
    if (totalBytes === undefined) return undefined
    total += totalBytes
  }
  return total
}

function megabytes(bytes: number): string {
  const value = bytes / 1_000_000
  return value > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)
}
