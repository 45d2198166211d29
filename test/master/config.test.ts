import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { masterKnobs, readMasterConfig } from '../../master/config.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'master-config-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function read(argv: readonly string[], environment: Record<string, string> = {}) {
  return readMasterConfig({ argv, environment })
}

function fromFile(name: string, text: string) {
  const path = join(dir, name)
  writeFileSync(path, text)
  return read(['--config', path])
}

test('readMasterConfig() takes flags over variables over defaults', () => {
  expect(read([])).toMatchObject({ hosts: ['127.0.0.1'], port: 18_080, lostAfterMs: 5_000 })
  expect(read([], { LOG_LEVEL: 'debug' }).logLevel).toBe('debug')
  expect(read(['--log-level', 'warn'], { LOG_LEVEL: 'debug' }).logLevel).toBe('warn')
  expect(read(['--scale-in-after', '10s']).scaleInAfterMs).toBe(10_000)
  expect(read(['--no-autoscale']).autoscale).toBe(false)
})

test('readMasterConfig() understands the older names in a file, with their units', () => {
  const text = [
    'monitoring: { interval: 30, metrics_retention: 24h }',
    'scaling:',
    '  auto_scaling: true',
    '  min: 2',
    '  max: 6',
    '  scale_up_cooldown: 300',
    '  scale_down_cooldown: 600',
    'orchestrator: { max_containers: 100, default_cpu_limit: "1.0", default_memory_limit: 256m }',
    'alerts: { cpu: 70, memory: 75, disk: 95 }',
    'health_check: { type: HTTP, interval: 30, timeout: 5, unhealthy_threshold: 4 }',
  ].join('\n')
  expect(fromFile('older.yaml', text)).toMatchObject({
    sampleEveryMs: 30_000,
    retentionMs: 86_400_000,
    autoscale: true,
    serviceMin: 2,
    serviceMax: 6,
    scaleUpCooldownMs: 300_000,
    scaleInAfterMs: 600_000,
    replicasTotalMax: 100,
    cpuLimit: 1,
    memoryLimitMb: 256,
    healthType: 'http',
    healthEveryMs: 30_000,
    healthTimeoutMs: 5_000,
    healthFailuresMax: 4,
    alertCpuPercent: 70,
    alertMemoryPercent: 75,
    alertDiskPercent: 95,
  })
  expect(fromFile('days.yaml', 'monitoring: { retention_days: 7 }').retentionMs).toBe(604_800_000)
})

const wrong = [
  [['--port', 'x'], '--port: expected a number'],
  [['--port', '70000'], '--port: expected 0 to 65535'],
  [['--objective', 'fast'], '--objective: expected an objective like "p95 < 100ms"'],
  [['--memory-limit', 'much'], '--memory-limit: expected an amount of memory'],
  [['--busy-cpu', '101'], '--busy-cpu: expected 1 to 100'],
  [['--suspect-after', '6s'], '--suspect-after must not be more than --lost-after'],
  [['--heartbeat-every', '3s'], '--heartbeat-every must not be more than --suspect-after'],
  [['--service-min', '11'], '--service-min must not be more than --service-max'],
  [['--replicas-min', '1'], 'Cannot read the command line'],
  [['--replicas-max', '0'], '--replicas-max: expected 1 to 1000000'],
  [['--busy-disk', '0'], '--busy-disk: expected 1 to 100'],
  [['--pids-limit', '0'], '--pids-limit: expected 1 to 4194304'],
  [['--health-type', 'docker'], '--health-type: expected one of image, tcp, http, none'],
  [['--registry', 'https://reg:5000'], '--registry: expected a registry like registry:5000'],
  [['--registry', 'reg'], '--registry: expected a registry like registry:5000'],
  [['--loop-every', '0ms'], '--loop-every must be more than 0'],
  [['--prot', '1'], 'Cannot read the command line'],
] as const
test.each(wrong)('readMasterConfig() refuses %j with a sentence', (argv, sentence) => {
  expect(() => read(argv)).toThrow(sentence)
})

test('readMasterConfig() reads where images come from, and what bounds the cluster', () => {
  expect(read([])).toMatchObject({ busyDiskPercent: 95, pidsMax: 1_000, healthType: 'image' })
  expect(read([]).registry).toBeUndefined()
  expect(read([]).replicasTotalMax).toBeUndefined()
  expect(read(['--replicas-max', '40']).replicasTotalMax).toBe(40)
  expect(read(['--registry', 'reg:5000/team/']).registry).toBe('reg:5000/team')
  expect(fromFile('images.yaml', 'images: 10.0.0.1:5000').registry).toBe('10.0.0.1:5000')
})

test('readMasterConfig() refuses a database it cannot use, unless told where to keep the state', () => {
  const environment = { DATABASE_URL: 'postgres://user:secret@127.0.0.1/db' }
  expect(() => read([], environment)).toThrow('Cannot use DATABASE_URL')
  expect(() => read([], environment)).not.toThrow('secret')
  expect(read(['--store', 'embedded'], environment).store).toBe('embedded')
})

test('every knob has a flag, a variable and a key of its own', () => {
  const knobs = Object.values(masterKnobs)
  const keys = knobs.flatMap(({ key, aliases }) => [key, ...aliases.map((alias) => alias.key)])
  expect(new Set(knobs.map(({ flag }) => flag)).size).toBe(knobs.length)
  expect(new Set(knobs.map(({ env }) => env)).size).toBe(knobs.length)
  expect(new Set(keys).size).toBe(keys.length)
})
