import { expect, test } from 'vitest'
import {
  cpuPercent,
  parseCpuTimes,
  parseMemoryPercent,
  parseNetwork,
} from '../../../worker/decide/host-load.ts'

const STAT = `cpu  4705 356 584 3699 23 23 4 10 300 0
cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0
intr 1 2 3
ctxt 22848
`

test('parseCpuTimes() counts idle and waiting for the disk as free, and guests once', () => {
  expect(parseCpuTimes(STAT)).toEqual({ busy: 5682, total: 9404 })
})

test.each(['', 'cpu', 'cpu  a b c d e f', 'intr 1'])('parseCpuTimes() refuses "%s"', (text) => {
  expect(parseCpuTimes(text)).toBeUndefined()
})

const loads = [
  { before: { busy: 100, total: 1_000 }, now: { busy: 125, total: 1_100 }, percent: 25 },
  { before: { busy: 100, total: 1_000 }, now: { busy: 100, total: 1_000 }, percent: 0 },
  { before: { busy: 100, total: 1_000 }, now: { busy: 300, total: 1_100 }, percent: 100 },
  { before: { busy: 100, total: 1_000 }, now: { busy: 50, total: 1_100 }, percent: 0 },
]
test.each(loads)('cpuPercent() is $percent between $before and $now', (row) => {
  expect(cpuPercent(row.before, row.now)).toBe(row.percent)
})

test('parseMemoryPercent() counts caches as free', () => {
  const text = 'MemTotal:       8000000 kB\nMemFree:  100000 kB\nMemAvailable:    6000000 kB\n'
  expect(parseMemoryPercent(text)).toBe(25)
  expect(parseMemoryPercent('MemTotal:       8000000 kB\n')).toBeUndefined()
})

test('parseNetwork() adds all interfaces but loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo: 9999999   20    0    0    0     0          0         0  9999999   20    0    0 0 0 0 0
  eth0:    1000    8    0    0    0     0          0         0      200    3    0    0 0 0 0 0
veth1@2:5000    8    0    0    0     0          0         0      700    3    0    0 0 0 0 0
`
  expect(parseNetwork(text)).toEqual({ in: 6_000, out: 900 })
})
