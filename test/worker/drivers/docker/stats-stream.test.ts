import { expect, test } from 'vitest'
import { parseStats } from '../../../../worker/drivers/docker/stats-stream.ts'

/** As engines have told it, shortened: with the first and with the second version of control groups. */
const FIRST = {
  read: '2024-05-01T10:00:01.5Z',
  cpu_stats: { cpu_usage: { total_usage: 2_500_000_000, percpu_usage: [1, 2] }, online_cpus: 2 },
  memory_stats: { usage: 50_000_000, stats: { total_inactive_file: 8_000_000, inactive_file: 1 } },
  networks: {
    eth0: { rx_bytes: 100, tx_bytes: 10, rx_errors: 0 },
    eth1: { rx_bytes: 200, tx_bytes: 20 },
  },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: 'Read', value: 4_096 },
      { major: 8, minor: 0, op: 'Write', value: 8_192 },
      { major: 8, minor: 0, op: 'Total', value: 12_288 },
    ],
  },
}
const SECOND = {
  read: '2024-05-01T10:00:01.5Z',
  cpu_stats: { cpu_usage: { total_usage: 2_500_000_000, usage_in_usermode: 1 } },
  memory_stats: { usage: 50_000_000, stats: { anon: 1, inactive_file: 8_000_000 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: 'read', value: 4_096 },
      { major: 8, minor: 16, op: 'write', value: 8_192 },
    ],
  },
}
const CORE = {
  ...{ atMs: Date.UTC(2024, 4, 1, 10, 0, 1, 500), cpuMs: 2_500, memoryBytes: 42_000_000 },
  ...{ diskReadBytes: 4_096, diskWriteBytes: 8_192 },
}

test('parseStats() reads what engines tell in both versions of control groups', () => {
  expect(parseStats(FIRST)).toEqual({ ...CORE, networkInBytes: 300, networkOutBytes: 30 })
  expect(parseStats(SECOND)).toEqual(CORE)
})

test('parseStats() lives without lists', () => {
  const bare = { ...SECOND, networks: null, blkio_stats: { io_service_bytes_recursive: null } }
  expect(parseStats(bare)).toEqual({ ...CORE, diskReadBytes: 0, diskWriteBytes: 0 })
})

test('parseStats() finds nothing in the moment of a container that does not run', () => {
  const stopped = {
    ...{ read: '0001-01-01T00:00:00Z', memory_stats: {} },
    cpu_stats: { cpu_usage: { total_usage: 0 } },
  }
  expect(parseStats(stopped)).toBeUndefined()
  expect(parseStats({ ...SECOND, memory_stats: {} })).toBeUndefined()
})

test('parseStats() refuses what is no statistics', () => {
  for (const line of [{}, null, { ...SECOND, cpu_stats: {} }])
    expect(() => parseStats(line)).toThrow()
})
