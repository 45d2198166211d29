import { expect, test } from 'vitest'
import {
  cgroupPlace,
  heldBytes,
  parseIoStat,
  parseNumber,
  parseServiceBytes,
  parseStat,
} from '../../../worker/decide/cgroup-usage.ts'

const ID = '0123456789abcdef'.repeat(4)
const OTHER = 'fedcba9876543210'.repeat(4)

/** Read off real machines. */
const FIRST = `13:name=systemd:/docker/${ID}
12:pids:/docker/${ID}
8:blkio:/docker/${ID}
5:memory:/docker/${ID}
4:cpu,cpuacct:/docker/${ID}
0::/system.slice/containerd.service
`
const SECOND = `0::/system.slice/docker-${ID}.scope\n`
const SPLIT = `4:memory:/lab/w1/${ID}\n3:cpuset:/lab/w1/${ID}\n2:cpuacct:/lab/w1/${ID}\n1:cpu:/lab/w1/${ID}\n0::/\n`

test('cgroupPlace() finds the files of the first version', () => {
  const path = `/docker/${ID}`
  expect(cgroupPlace(FIRST, ID)).toEqual({ version: 1, cpu: path, memory: path, disk: path })
  const place = `/lab/w1/${ID}`
  expect(cgroupPlace(SPLIT, ID)).toEqual({ version: 1, cpu: place, memory: place })
})

test('cgroupPlace() finds the files of the second version', () => {
  expect(cgroupPlace(SECOND, ID)).toEqual({
    ...{ version: 2, path: `/system.slice/docker-${ID}.scope` },
  })
})

const strangers: readonly [string, string, string][] = [
  ['another container', FIRST, OTHER],
  ['no container', '0::/\n', ID],
  ['a process outside', '4:memory:/user\n2:cpuacct:/user\n0::/user.slice\n', ID],
  ['nothing', '', ID],
  ['a short id', FIRST, ID.slice(0, 12)],
  ['an id that is no id', `0::/x/${'../'.repeat(3)}\n`, '..'],
  ['a way out', `0::/../../docker-${ID}.scope\n`, ID],
  ['some other text', `docker/${ID}`, ID],
  ['a memory group alone', `5:memory:/docker/${ID}\n`, ID],
]

test.each(strangers)('cgroupPlace() does not trust %s', (_name, text, id) => {
  expect(cgroupPlace(text, id)).toBeUndefined()
})

test('parseNumber() reads one number and nothing else', () => {
  expect(parseNumber('2071932345\n')).toBe(2_071_932_345)
  for (const text of ['', 'max\n', '-1\n', '1 2\n', '1e3'])
    expect(parseNumber(text)).toBeUndefined()
})

test('parseStat() reads the line of that name alone', () => {
  const memory = 'cache 8192\ninactive_file 4096\ntotal_inactive_file 12288\ntotal_cache 8192\n'
  expect(parseStat(memory, 'total_inactive_file')).toBe(12_288)
  expect(parseStat(memory, 'inactive_file')).toBe(4_096)
  expect(parseStat(memory, 'total_inactive')).toBeUndefined()
  const cpu = 'usage_usec 5123456\nuser_usec 4000000\nsystem_usec 1123456\nnr_periods 0\n'
  expect(parseStat(cpu, 'usage_usec')).toBe(5_123_456)
})

test('parseServiceBytes() sums up the devices, not their sums', () => {
  const text = `8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\n8:0 Async 12288\n8:0 Discard 0
8:0 Total 12288\n253:1 Read 1\n253:1 Write 2\n253:1 Total 3\nTotal 12291\n`
  expect(parseServiceBytes(text)).toEqual({ read: 4_097, write: 8_194 })
  expect(parseServiceBytes('Total 0\n')).toEqual({ read: 0, write: 0 })
})

test('parseIoStat() sums up the devices', () => {
  const text = `8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021\n254:0 \n`
  expect(parseIoStat(text)).toEqual({ read: 91_889_664, write: 613_781_504 })
  expect(parseIoStat('')).toEqual({ read: 0, write: 0 })
})

test('heldBytes() is never less than nothing', () => {
  expect(heldBytes(100, 30)).toBe(70)
  expect(heldBytes(30, 100)).toBe(0)
})
