/** The load of the demo: autocannon at a steady rate, told from the outside how fast. */
import autocannon from 'autocannon'

export interface Load {
  /** Ends the load and waits until it has ended. */
  stop(): Promise<LoadTotals>
}

export interface LoadTotals {
  readonly answered: number
  /** Other answers than 2xx, broken connections and timeouts. */
  readonly failed: number
}

export interface LoadShape {
  readonly url: string
  readonly perSecond: number
  readonly connections: number
}

const TIMEOUT_SECONDS = 10
const DURATION_SECONDS = 600

export function startLoad({ url, perSecond, connections }: LoadShape): Load {
  const instance = autocannon({
    url,
    connections,
    overallRate: perSecond,
    duration: DURATION_SECONDS,
    timeout: TIMEOUT_SECONDS,
    setupClient: (client) => {
      client.setHeaders({ accept: 'application/json' })
    },
  })
  const ended = Promise.resolve(instance).then((result) => ({
    answered: result['2xx'],
    failed: result.non2xx + result.errors,
  }))
  return {
    stop: () => {
      instance.stop()
      return ended
    },
  }
}
