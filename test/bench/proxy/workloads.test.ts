import { expect, test } from 'vitest'
import { h2loadCount, wrkCount } from './workloads.ts'

const WRK = `Running 1m test @ http://127.0.0.1:19101/100
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.51ms    1.92ms  32.11ms   89.10%
    Req/Sec    26.11k     2.95k   30.34k    70.00%
  Latency Distribution
     50%    2.01ms
     75%    2.98ms
     90%    4.21ms
     99%    9.90ms
  25970 requests in 1.00s, 7.16MB read
Requests/sec:  25942.11
Transfer/sec:      7.15MB
`

test('wrkCount() takes the requests and the median from what wrk prints', () => {
  expect(wrkCount(WRK)).toEqual({ done: 25_970, bad: 0, p50Ms: 2.01 })
})

const medians = [
  { shown: '850.00us', ms: 0.85 },
  { shown: '2.01ms', ms: 2.01 },
  { shown: '1.50s', ms: 1_500 },
]
test.each(medians)('wrkCount() understands a median of $shown', ({ shown, ms }) => {
  expect(wrkCount(WRK.replace('2.01ms', shown)).p50Ms).toBeCloseTo(ms)
})

test('wrkCount() counts broken connections and wrong answers as bad', () => {
  const broken = '  Socket errors: connect 1, read 2, write 3, timeout 4\n'
  const wrong = '  Non-2xx or 3xx responses: 5\n'
  expect(wrkCount(`${WRK}${broken}${wrong}`).bad).toBe(15)
})

test('h2loadCount() takes what succeeded and what did not', () => {
  const said =
    'requests: 120 total, 117 started, 117 done, 110 succeeded, 7 failed, 7 errored, 0 timeout'
  expect(h2loadCount(said)).toEqual({ done: 110, bad: 7 })
})
