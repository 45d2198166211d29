import { expect, test } from 'vitest'
import { engineAddress } from '../../../../worker/drivers/docker/engine-address.ts'

const tls = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }
const good = [
  { host: undefined, env: {}, at: { socketPath: '/var/run/docker.sock' } },
  { host: undefined, env: { DOCKER_HOST: 'unix:///x/y.sock' }, at: { socketPath: '/x/y.sock' } },
  { host: 'unix:///a', env: { DOCKER_HOST: 'unix:///b' }, at: { socketPath: '/a' } },
  { host: 'tcp://w1', env: {}, at: { host: 'w1', port: 2_375, protocol: 'http' } },
  { host: 'tcp://w1:80', env: {}, at: { host: 'w1', port: 80, protocol: 'http' } },
  {
    host: 'tcp://[fd00::1]:2375',
    env: {},
    at: { host: '[fd00::1]', port: 2_375, protocol: 'http' },
  },
  { host: 'http://w1:2375/', env: {}, at: { host: 'w1', port: 2_375, protocol: 'http' } },
  { host: 'tcp://w1', env: tls, at: { host: 'w1', port: 2_376, protocol: 'https' } },
  { host: 'https://w1', env: {}, at: { host: 'w1', port: 2_376, protocol: 'https' } },
]
test.each(good)('engineAddress() understands $host with $env', ({ host, env, at }) => {
  const address = engineAddress(host, env)
  expect(address.at).toEqual(at)
  expect(address.certificates).toBe(env === tls ? '/certs' : undefined)
})

test.each([
  'ssh://root@w1',
  'fd://',
  'npipe:////./pipe/x',
  'w1:2375',
  'unix://',
  'unix://x',
  'tcp://',
  'tcp://w1/x',
  'tcp://w1:99999',
])('engineAddress() refuses %s with one sentence', (host) => {
  expect(() => engineAddress(host, {})).toThrow(/^Cannot use Docker host ".+": [^\n]+$/)
})
