import type { Log } from '../shared/log.ts'
import { engineLimits, type ProxyConfig } from './config.ts'
import type { Engine } from './engine.ts'
import { createHttp1Engine } from './http1/http1-engine.ts'
import { chooseTransports } from './http1/transports/choose.ts'
import type { Traffic } from './traffic.ts'

/** The engine that was asked for. */
export async function openEngine(config: ProxyConfig, traffic: Traffic, log: Log): Promise<Engine> {
  const limits = engineLimits(config)
  if (config.engine === 'http-proxy') {
    // The package is not loaded for those who do not ask for it: newer Nodes warn of what it calls.
    const { createHttpProxyEngine } = await import('./http-proxy-engine/http-proxy-engine.ts')
    return createHttpProxyEngine({ limits, traffic })
  }
  const { transports, refused } = await chooseTransports(config.transport)
  for (const { name, reason } of refused) log.warn('transport left aside', { name, reason })
  return createHttp1Engine({ limits, traffic, transports })
}
