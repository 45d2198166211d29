import { sentenceOf } from '../../../shared/errors.ts'
import type { TransportName, Transports } from '../transport.ts'
import { dataTransports } from './data.ts'
import { handleTransports } from './handle.ts'
import { onreadTransports } from './onread.ts'
import { selfTest } from './self-test.ts'

export interface Refused {
  readonly name: TransportName
  readonly reason: string
}

export interface Chosen {
  readonly transports: Transports
  /** The faster ones that do not work here. */
  readonly refused: readonly Refused[]
}

/** The fastest first; the last one is public to the last call. */
const ALL = [handleTransports, onreadTransports, dataTransports]

/** The fastest that passes its self-test on this machine and this version of node. */
export function chooseTransports(wanted: 'auto' | TransportName): Promise<Chosen> {
  return chooseAmong(wanted === 'auto' ? ALL : ALL.filter(({ name }) => name === wanted))
}

export async function chooseAmong(candidates: readonly Transports[]): Promise<Chosen> {
  const refused: Refused[] = []
  for (const transports of candidates) {
    const reason = await refusal(transports)
    if (reason === undefined) return { transports, refused }
    refused.push({ name: transports.name, reason })
  }
  throw new Error(refused.map(sentence).join('; '))
}

async function refusal(transports: Transports): Promise<string | undefined> {
  try {
    return await selfTest(transports)
  } catch (error) {
    return sentenceOf(error)
  }
}

function sentence({ name, reason }: Refused): string {
  return `Cannot use the transport "${name}": ${reason}`
}
