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
  let stop = (): void => undefined
  const ended = new Promise<LoadTotals>((resolve, reject) => {
    const options: autocannon.Options = {
      url,
      connections,
      overallRate: perSecond,
      duration: DURATION_SECONDS,
      timeout: TIMEOUT_SECONDS,
    }
    const instance = autocannon(options, (error, result) => {
      if (error !== null && error !== undefined) return reject(error)
      resolve({ answered: result['2xx'], failed: result.non2xx + result.errors })
    })
    stop = () => instance.stop()
  })
  return {
    stop: () => {
      stop()
      return ended
    },
  }
}
