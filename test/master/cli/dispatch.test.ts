import { expect, test } from 'vitest'
import { dispatch } from '../../../master/cli/dispatch.ts'

const cases = [
  { line: '', kind: 'serve' },
  { line: '--port 18080 --data x', kind: 'serve' },
  { line: '--port 0', kind: 'serve' },
  { line: '--insecure', kind: 'serve' },
  { line: 'master --port 0', kind: 'serve' },
  { line: 'master --help', kind: 'serving-help' },
  { line: 'worker --master-ip http://127.0.0.1:1', kind: 'program' },
  { line: 'proxy', kind: 'program' },
  { line: '--help', kind: 'call' },
  { line: '--version', kind: 'call' },
  { line: 'nodes', kind: 'call' },
  { line: 'serivces', kind: 'call' },
  { line: '--master http://10.0.0.1:18080 nodes', kind: 'call' },
  { line: '--master=http://10.0.0.1:18080 --json nodes', kind: 'call' },
  { line: '--nodes', kind: 'call' },
  { line: '--node abcd', kind: 'call' },
  { line: '--node-del=abcd', kind: 'call' },
  { line: '--procs --master http://10.0.0.1', kind: 'call' },
  { line: '--proc abcd', kind: 'call' },
  { line: '--proc-del abcd', kind: 'call' },
  { line: '--name web --image-name nginx:1.25 --port 8080:80', kind: 'call' },
] as const

test.each(cases)('dispatch() says $kind for "$line"', ({ line, kind }) => {
  expect(dispatch(line === '' ? [] : line.split(' ')).kind).toBe(kind)
})

test('dispatch() keeps the flags of the program that serves', () => {
  expect(dispatch(['master', '--port', '0'])).toEqual({ kind: 'serve', argv: ['--port', '0'] })
  expect(dispatch(['worker', '--help'])).toMatchObject({ program: 'worker', argv: ['--help'] })
})
