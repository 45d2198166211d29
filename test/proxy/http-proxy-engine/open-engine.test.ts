import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { readProxyConfig, trafficLimits } from '../../../proxy/config.ts'
import { openEngine } from '../../../proxy/open-engine.ts'
import { Traffic } from '../../../proxy/traffic.ts'
import { systemClock } from '../../../shared/clock.ts'

const unheard = (): void => undefined
const log = { error: unheard, warn: unheard, info: unheard, debug: unheard }

function isLoaded(name: string): boolean {
  const { cache } = createRequire(import.meta.url)
  return Object.keys(cache).some((file) => file.includes(`/node_modules/${name}/`))
}

test('openEngine() loads the package http-proxy for its engine alone', async () => {
  const opened = async (...argv: readonly string[]): Promise<void> => {
    const config = readProxyConfig({ argv, environment: {} })
    const engine = await openEngine(
      config,
      new Traffic(trafficLimits(config), systemClock.nowMs),
      log,
    )
    expect(await engine.listen({ host: '127.0.0.1', port: 0 })).toBeGreaterThan(0)
    await engine.close(0)
  }
  await opened()
  expect(isLoaded('http-proxy')).toBe(false)
  await opened('--engine', 'http-proxy')
  expect(isLoaded('http-proxy')).toBe(true)
})
