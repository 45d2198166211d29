/** Brings one replica from its image to a running container; every step may have been lost. */
import type { ContainerCreateOptions } from 'dockerode'
import type { Clock } from '../../../shared/clock.ts'
import { RequestError } from '../../../shared/errors.ts'
import type { AssignedReplica } from '../../../shared/protocol.ts'
import type { StartOrder } from '../driver.ts'
import { containerOf } from './container.ts'
import type { Containers } from './containers.ts'
import type { Engine } from './engine.ts'
import { EngineError, isAway, isRefused } from './engine-error.ts'
import type { EngineFacts } from './engine-facts.ts'
import type { Images } from './images.ts'
import { type Inspected, isRunning, wasStarted } from './inspected.ts'
import { NODE_LABEL, nameOf, type Place, purposeOf, REPLICA_LABEL } from './labels.ts'
import { networksOf } from './network-choice.ts'
import type { Networks } from './networks.ts'
import { startFailure } from './start-failure.ts'

export interface StartParts {
  readonly engine: Engine
  readonly images: Images
  readonly facts: EngineFacts
  readonly containers: Containers
  readonly networks: Networks
  readonly clock: Clock
}

/** What a start has made so far, for whoever must undo it. */
export interface Made {
  name?: string
  /** Unknown while nobody has said that it was made. */
  id?: string
}

/** What the engine is asked to make, and of which image. */
interface Planned {
  readonly options: ContainerCreateOptions
  readonly name: string
  readonly imageId: string
}

interface Starting {
  readonly order: StartOrder
  readonly place: Place
  readonly made: Made
  readonly signal: AbortSignal
}

/** Longer than the engine's own tries, which it does not give up. */
const CREATE_DEADLINE_MS = 30_000
const START_DEADLINE_MS = 30_000
const CREATE_TRIES = 3
/** How long a step whose answer was lost may still take effect. */
const LOST_MS = 5_000
const LOST_POLL_MS = 100

export async function startReplica(parts: StartParts, starting: Starting): Promise<Inspected> {
  const { order, place, made, signal } = starting
  const { assigned, onProgress } = order
  const planned = await planOf(parts, starting)
  const names = networksOf(assigned)
  await parts.networks.ensure(names, place.node, signal)
  onProgress({ text: 'starting the container' })
  made.name = planned.name
  try {
    made.id = await create(parts, starting, planned)
    await connect(parts, { ...starting, id: made.id })
    return await begin(parts, { ...starting, id: made.id })
  } catch (error) {
    const { serviceName } = assigned
    throw error instanceof EngineError ? startFailure(error, { ...place, serviceName }) : error
  }
}

async function planOf(
  { images, facts }: StartParts,
  { order, place, signal }: Starting,
): Promise<Planned> {
  const { assigned, onProgress } = order
  const { image, pull, serviceName } = assigned
  if (image === undefined) {
    const message = `Cannot start "${serviceName}": the docker driver runs images and it has none`
    throw new RequestError(422, 'NO_IMAGE', message)
  }
  const known = await facts.get(signal)
  // What is wrong with the order itself is said before its image is pulled.
  containerOf({ ...assigned, port: assigned.port ?? 0 }, place, { ...known, image: UNKNOWN_IMAGE })
  const found = await images.ensure({ image, pull }, onProgress, signal)
  const options = containerOf(assigned, place, { ...known, image: found })
  return { options, name: nameOf(assigned), imageId: found.id }
}

const UNKNOWN_IMAGE = { id: '', exposedPorts: [], hasHealthcheck: false }

async function create(parts: StartParts, starting: Starting, planned: Planned): Promise<string> {
  const { engine } = parts
  for (let attempt = 1; ; attempt++) {
    try {
      const what = `create container "${planned.name}"`
      const made = await engine.call(
        what,
        (docker, abortSignal) => {
          // Otherwise dockerode writes all of it, with every secret, into the URL as well.
          const { name, options } = planned
          const asked = { _query: { name }, _body: options, abortSignal }
          return docker.createContainer(asked)
        },
        { deadlineMs: CREATE_DEADLINE_MS, signal: starting.signal },
      )
      return made.id
    } catch (error) {
      if (isTaken(error) && attempt < CREATE_TRIES) {
        const kept = await giveWay(parts, starting, planned)
        if (kept !== undefined) return kept
      } else if (isAway(error)) return await createdAfterAll(parts, { starting, planned, error })
      else throw error
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof EngineError && isRefused(error, 409) && /name/.test(error.reason)
}

/** Removes what has the name; answers its id when it is what would be made anyway. */
async function giveWay(
  { containers }: StartParts,
  { order, signal }: Starting,
  planned: Planned,
): Promise<string | undefined> {
  const there = await containers.inspect(planned.name, signal)
  if (there === undefined) return undefined
  expectOurs(there, order.assigned, planned.options)
  if (isAsAsked(there, planned)) return there.id
  await containers.remove(there.id, signal)
  return undefined
}

function expectOurs(
  there: Inspected,
  { serviceName, replica }: AssignedReplica,
  { name, Labels = {} }: ContainerCreateOptions,
): void {
  const isOurs = there.labels[NODE_LABEL] === Labels[NODE_LABEL]
  if (isOurs && there.labels[REPLICA_LABEL] === replica) return
  // Nobody can say whose a container is whose labels are damaged: one that runs is left alone.
  if (isOurs && there.labels[REPLICA_LABEL] === undefined && !isRunning(there)) return
  const state = `the name ${name} is taken by the foreign container ${there.id.slice(0, 12)}`
  throw new RequestError(409, 'NAME_TAKEN', `Cannot start "${serviceName}": ${state}`)
}

function isAsAsked(there: Inspected, { options, imageId }: Planned): boolean {
  const { Labels = {}, Env = [] } = options
  const isAlike = purposeOf(there.labels) === purposeOf(Labels) && there.imageId === imageId
  return isAlike && !wasStarted(there) && Env.every((line) => there.environment.includes(line))
}

interface LostCreate {
  readonly starting: Starting
  readonly planned: Planned
  readonly error: EngineError
}

async function createdAfterAll(
  parts: StartParts,
  { starting, planned, error }: LostCreate,
): Promise<string> {
  const found = await lookAgain(parts.clock, starting.signal, async () => {
    const there = await parts.containers.inspect(planned.name, starting.signal)
    return there !== undefined && isAsAsked(there, planned) ? there.id : undefined
  })
  if (found === undefined) throw error
  return found
}

interface Begun extends Starting {
  readonly id: string
}

async function connect(parts: StartParts, { order, id, signal }: Begun): Promise<void> {
  const [, ...others] = networksOf(order.assigned)
  for (const network of others) {
    try {
      await parts.networks.connect(network, id, order.assigned, signal)
    } catch (error) {
      // It was connected by a try whose answer was lost.
      const there = isRefused(error, 403) ? await parts.containers.inspect(id, signal) : undefined
      if (there?.networks.includes(network) !== true) throw error
    }
  }
}

async function begin(parts: StartParts, begun: Begun): Promise<Inspected> {
  const { id, signal, order } = begun
  try {
    await parts.engine.call(
      `start "${order.assigned.serviceName}"`,
      (docker, abortSignal) => docker.getContainer(id).start({ abortSignal }),
      { deadlineMs: START_DEADLINE_MS, signal },
    )
  } catch (error) {
    if (isAway(error)) return await startedAfterAll(parts, begun, error)
    // 304: it runs already.
    if (!isRefused(error, 304)) throw error
  }
  const there = await parts.containers.inspect(id, signal)
  if (there !== undefined) return there
  const { serviceName } = order.assigned
  const message = `Cannot start "${serviceName}": its container was removed as soon as it ran`
  throw new RequestError(409, 'REMOVED', message)
}

async function startedAfterAll(
  { containers, clock }: StartParts,
  { id, signal, order, place }: Begun,
  error: EngineError,
): Promise<Inspected> {
  const found = await lookAgain(clock, signal, async () => {
    const there = await containers.inspect(id, signal)
    if (there === undefined) throw error
    if (wasStarted(there)) return there
    if (there.state.Error === '') return undefined
    const why = { failure: 'refused' as const, reason: there.state.Error }
    const { serviceName } = order.assigned
    throw startFailure(new EngineError('start', why), { ...place, serviceName })
  })
  if (found === undefined) throw error
  return found
}

async function lookAgain<T>(
  clock: Clock,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const untilMs = clock.nowMs() + LOST_MS
  for (;;) {
    const found = await look()
    if (found !== undefined || clock.nowMs() >= untilMs || signal.aborted) return found
    await clock.sleep(LOST_POLL_MS, signal)
  }
}
