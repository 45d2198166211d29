import { expect, test } from 'vitest'
import { containerOf, type Ground, secondsOf } from '../../../../worker/drivers/docker/container.ts'
import { assignedReplica } from '../../support/assigned.ts'

const place = { node: 'n1', host: '10.0.0.1', port: 20_001, epoch: 1 }
const image = { id: 'sha256:1', exposedPorts: [], hasHealthcheck: true }
const ground: Ground = { cpus: 4, loggingDriver: 'json-file', hasStartInterval: true, image }
const assigned = assignedReplica({ image: 'tiny:1' })
const ofImage = { ...assigned, health: { ...assigned.health, probe: { kind: 'image' as const } } }

const ports = [
  { given: 80, exposed: [1, 2], port: 80 },
  { given: undefined, exposed: [7_000], port: 7_000 },
  { given: undefined, exposed: [], port: 8_080 },
]
test.each(ports)('containerOf() takes port $port when $given is given, $exposed exposed', (row) => {
  const asked = row.given === undefined ? assigned : { ...assigned, port: row.given }
  const known = { ...ground, image: { ...image, exposedPorts: row.exposed } }
  const { Env, HostConfig } = containerOf(asked, place, known)
  expect(Env).toContain(`PORT=${row.port}`)
  expect(HostConfig?.PortBindings).toEqual({
    [`${row.port}/tcp`]: [{ HostIp: '10.0.0.1', HostPort: '20001' }],
  })
})

test('containerOf() asks for a port when an image exposes several', () => {
  const known = { ...ground, image: { ...image, exposedPorts: [80, 443] } }
  expect(() => containerOf(assigned, place, known)).toThrow(
    'Cannot start "web": its image exposes the ports 80, 443; name the one that serves',
  )
})

test("containerOf() lets the image's own check run often at first, where that is possible", () => {
  const Healthcheck = { StartPeriod: 1e10, StartInterval: 1e9 }
  expect(containerOf(ofImage, place, ground)).toMatchObject({ Healthcheck })
  const older = containerOf(ofImage, place, { ...ground, hasStartInterval: false })
  expect(older.Healthcheck).toBeUndefined()
})

test("containerOf() turns off the image's check when nobody asks for it", () => {
  expect(containerOf(assigned, place, ground).Healthcheck).toEqual({ Test: ['NONE'] })
})

test('containerOf() leaves logs alone that go elsewhere', () => {
  const { HostConfig } = containerOf(assigned, place, { ...ground, loggingDriver: 'syslog' })
  expect(HostConfig?.LogConfig).toBeUndefined()
})

test('containerOf() names an image by its id when it has a digest', () => {
  const pinned = { ...assigned, image: `tiny:1@sha256:${'0'.repeat(64)}` }
  expect(containerOf(pinned, place, ground).Image).toBe('sha256:1')
  expect(containerOf(assigned, place, ground).Image).toBe('tiny:1')
})

test('secondsOf() never waits shorter than the grace', () => {
  expect([0, 1, 1_000, 1_001].map(secondsOf)).toEqual([0, 1, 1, 2])
})
