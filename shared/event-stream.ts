/** Reads a stream of server-sent events as the HTML standard says, with every length bounded. */
export interface ServerSentEvent {
  readonly id?: string
  readonly event: string
  readonly data: string
}
