import { expect, test } from 'vitest'
import { Arguments } from '../../../master/cli/arguments.ts'
import { nameOf } from '../../../master/cli/flag-command.ts'
import { environmentOf, labelsOf, portsOf, routeOf, specOf } from '../../../master/cli/spec.ts'

function argumentsOf(values: Record<string, unknown>): Arguments {
  return new Arguments({ words: [], rest: [], values })
}

test.each([
  { texts: [], ports: {} },
  { texts: ['80'], ports: { port: 80 } },
  { texts: ['8080:80'], ports: { port: 80, hostPort: 8080 } },
])('portsOf() reads $texts', ({ texts, ports }) => {
  expect(portsOf(texts)).toEqual(ports)
})

test('portsOf() refuses a second port', () => {
  const says = 'Cannot use "81" for --port beside "80": a service has one port'
  expect(() => portsOf(['80', '81'])).toThrow(says)
})

test.each(['', ':', '80:', ':80', '0:80', '80:65536', 'a:b', '1:2:3', '-1', '1e3', 'NaN'])(
  'portsOf() refuses "%s"',
  (text) => {
    expect(() => portsOf([text])).toThrow(`Cannot use "${text}" for --port`)
  },
)

test('environmentOf() splits at the first colon or equals sign and keeps the rest as it stands', () => {
  const texts = ['URL:http://a:1/?b=c', 'B=x:y', 'EMPTY:', '__proto__:1', 'CODE:$(id); `x`']
  const environment = environmentOf(texts)
  expect(Object.entries(environment)).toEqual([
    ['URL', 'http://a:1/?b=c'],
    ['B', 'x:y'],
    ['EMPTY', ''],
    ['__proto__', '1'],
    ['CODE', '$(id); `x`'],
  ])
})

test.each(['', 'A', ':x', '1A:x', 'A B:x', 'A-B:x'])('environmentOf() refuses "%s"', (text) => {
  expect(() => environmentOf([text])).toThrow('Cannot use the variable')
})

test('environmentOf() never repeats a value: it may be a secret', () => {
  expect(() => environmentOf(['my key:hunter2'])).toThrow(/^(?!.*hunter2).*$/s)
})

test('labelsOf() splits at the first equals sign', () => {
  const texts = ['team=shop', 'rule=Host(`a`)=b', 'EMPTY=', 'a:b=c']
  const labels = { team: 'shop', rule: 'Host(`a`)=b', EMPTY: '', 'a:b': 'c' }
  expect(labelsOf(texts)).toEqual(labels)
})

test.each(['', 'team', '=x', 'team:shop'])('labelsOf() refuses "%s"', (text) => {
  expect(() => labelsOf([text])).toThrow(`Cannot use "${text}" for --label: expected KEY=VALUE`)
})

test.each([
  { text: '/up', health: { http: '/up' } },
  { text: 'image', health: { image: true } },
  { text: 'tcp', health: { tcp: true } },
  { text: 'none', health: { none: true } },
])('specOf() reads --health $text', ({ text, health }) => {
  expect(specOf('web', argumentsOf({ health: text }), [])).toEqual({ name: 'web', health })
})

test('specOf() turns the flags of a container into what the API takes', () => {
  const values = {
    ...{ network: ['front', 'back'], volume: 'data:/x:ro', label: ['a=b', 'c=d'] },
    ...{ user: '1000:1000', init: false, pull: 'always', pids: '64' },
  }
  expect(specOf('web', argumentsOf(values), [])).toEqual({
    name: 'web',
    networks: ['front', 'back'],
    volumes: ['data:/x:ro'],
    labels: { a: 'b', c: 'd' },
    ...{ user: '1000:1000', init: false, pull: 'always', pids: 64 },
  })
})

test.each([
  { text: 'example.com', route: { host: 'example.com' } },
  { text: '/api', route: { path: '/api' } },
  { text: 'example.com/api/v1', route: { host: 'example.com', path: '/api/v1' } },
])('routeOf() reads $text', ({ text, route }) => {
  expect(routeOf(text)).toEqual(route)
})

test.each(['', 'http://a/b', 'a b'])('routeOf() refuses "%s"', (text) => {
  expect(() => routeOf(text)).toThrow('for --route')
})

test('specOf() sends only what was given', () => {
  expect(specOf('web', argumentsOf({}), [])).toEqual({ name: 'web' })
})

test('specOf() turns flags into what the API takes', () => {
  const values = {
    image: 'nginx:1.25',
    environment: ['A:b'],
    env: 'C=d',
    objective: 'p99 < 1s',
    min: '2',
    max: '5',
    autoscale: false,
    route: ['/x', 'h'],
    'slow-route': '/export',
    ...{ balance: 'p2c', sticky: 'cookie', concurrency: '4' },
    health: '/up',
    cpu: '0.5',
    memory: '256m',
    'stop-grace': '3s',
  }
  expect(specOf('web', argumentsOf(values), ['node', 'x'])).toEqual({
    name: 'web',
    image: 'nginx:1.25',
    command: ['node', 'x'],
    environment: { A: 'b', C: 'd' },
    objective: 'p99 < 1s',
    min: 2,
    max: 5,
    autoscale: false,
    routes: [{ path: '/x' }, { host: 'h' }, { path: '/export', slow: true }],
    ...{ balance: 'p2c', sticky: 'cookie', concurrency: 4 },
    health: { http: '/up' },
    cpu: 0.5,
    memory: '256m',
    stopGrace: '3s',
  })
})

test.each([
  { values: { min: 'x' }, says: 'Cannot use "x" for --min' },
  { values: { min: 'NaN' }, says: 'Cannot use "NaN" for --min' },
  { values: { max: '-1' }, says: 'Cannot use "-1" for --max' },
  { values: { max: '1.5' }, says: 'Cannot use "1.5" for --max' },
  { values: { min: ['1', '2'] }, says: 'Cannot use --min: it is given 2 times' },
  { values: { cpu: '0' }, says: 'Cannot use "0" for --cpu' },
  { values: { cpu: 'Infinity' }, says: 'Cannot use "Infinity" for --cpu' },
  { values: { health: 'health' }, says: 'Cannot use "health" for --health' },
  { values: { balance: 'random' }, says: 'Cannot use "random" for --balance: expected one of' },
  { values: { sticky: 'yes' }, says: 'Cannot use "yes" for --sticky: expected one of' },
  { values: { 'slow-route': 'a b' }, says: 'Cannot use "a b" for --slow-route' },
  { values: { pids: '0' }, says: 'Cannot use "0" for --pids' },
  { values: { pids: 'many' }, says: 'Cannot use "many" for --pids' },
  { values: { label: 'team' }, says: 'Cannot use "team" for --label' },
  { values: { user: ['a', 'b'] }, says: 'Cannot use --user: it is given 2 times' },
])('specOf() says "$says"', ({ values, says }) => {
  expect(() => specOf('web', argumentsOf(values), [])).toThrow(says)
})

test.each([
  { image: 'nginx', name: 'nginx' },
  { image: 'reg:5000/a/b:1.2', name: 'b' },
  { image: 'ghcr.io/Team/My_App@sha256:0f', name: 'my-app' },
])('nameOf() calls a service of $image "$name"', ({ image, name }) => {
  expect(nameOf(image)).toBe(name)
})

test('nameOf() asks for a name when the image gives none', () => {
  expect(() => nameOf('___')).toThrow('Cannot name a service after the image')
})
