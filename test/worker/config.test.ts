import { expect, test } from 'vitest'
import { readConfig } from '../../shared/config.ts'
import { directoryOf, mastersOf, type WorkerConfig, workerKnobs } from '../../worker/config.ts'

function read(argv: readonly string[], environment: Record<string, string> = {}): WorkerConfig {
  return readConfig(workerKnobs, { argv, environment })
}

const masters = [
  { argv: [], masters: ['http://127.0.0.1:18080'] },
  { argv: ['--master-ip', 'http://a:1'], masters: ['http://a:1'] },
  { argv: ['--master', 'http://a:1'], masters: ['http://a:1'] },
  { argv: ['--master-ip', 'a', '--master-ip', 'b'], masters: ['a', 'b'] },
  { argv: ['--master-ip', 'a', '--master', 'a'], masters: ['a'] },
]
test.each(masters)('mastersOf() is $masters for $argv', ({ argv, masters: expected }) => {
  expect(mastersOf(read(argv))).toEqual(expected)
})

test('mastersOf() reads several masters from one variable', () => {
  expect(mastersOf(read([], { ORCHESTRIFY_MASTER_IP: 'a,b' }))).toEqual(['a', 'b'])
})

test('directoryOf() follows the name, without leaving its parent', () => {
  expect(directoryOf(read(['--worker-name', 'w1']))).toBe('./.orchestrify/worker-w1')
  expect(directoryOf(read(['--worker-name', '../x y']))).toBe('./.orchestrify/worker-.._x_y')
  expect(directoryOf(read(['--worker-name', 'w1', '--data', '/d']))).toBe('/d')
})

test('workerKnobs read the port range', () => {
  expect(read(['--port-range', '3000-3009']).portRange).toMatchObject({ first: 3_000, last: 3_009 })
  expect(() => read(['--port-range', '3009-3000'])).toThrow('expected a range of ports')
})

const wrong = [
  ['--driver', 'swarm'],
  ['--on-exit', 'perhaps'],
  ['--port', '70000'],
  ['--leave-grace', 'soon'],
  ['--unknown'],
]
test.each(wrong)('workerKnobs refuse %s %s', (...argv) => {
  expect(() => read(argv)).toThrow(/^Cannot /)
})

test('workerKnobs read the level of the log and the token from the environment', () => {
  const config = read([], { LOG_LEVEL: 'debug', ORCHESTRIFY_TOKEN: 'orc1.x' })
  expect(config).toMatchObject({ logLevel: 'debug', token: 'orc1.x' })
})
