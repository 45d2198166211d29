import type { ClientConnection } from './client-connection.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Transports } from './transport.ts'

/** What a request became once it was let in: something that takes its body and brings an answer. */
export interface Handling {
  readonly wantsBody: boolean
  readonly isAnswering: boolean
  readonly isTunnel: boolean
  /** Begins with what came together with the head; answers how much of it belongs to this. */
  begin(bytes: Buffer, from: number, to: number): number
  /** More came; answers how much of it belongs to this. */
  fromClient(bytes: Buffer, from: number, to: number): number
  /** The client has what was written to it. */
  clientDrained(): void
  /** The client sends nothing more. Answers whether it may still wait for what comes back. */
  clientEnded(): boolean
  gone(): void
  /** It waits for the client, not for a replica. */
  clientIsSlow(): void
  /** It takes longer than any request may. */
  expire(): void
}

/** Lets requests in; where it answers why not itself, there is nothing to handle. */
export interface Door {
  /** The engine's head was just read from bytes[…, to). */
  open(client: ClientConnection, bytes: Buffer, to: number): Handling | undefined
}

/** What a client's connection is given. */
export interface ClientParts {
  readonly engine: EngineParts
  readonly transports: Transports
  readonly door: Door
  readonly onEnd: (client: ClientConnection) => void
}
