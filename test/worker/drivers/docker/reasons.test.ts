import { expect, test } from 'vitest'
import { EngineError } from '../../../../worker/drivers/docker/engine-error.ts'
import { exitReason } from '../../../../worker/drivers/docker/exit-reason.ts'
import { opinionOf } from '../../../../worker/drivers/docker/health-opinion.ts'
import { shortened, startFailure } from '../../../../worker/drivers/docker/start-failure.ts'

const ended = { Status: 'exited', ExitCode: 0, OOMKilled: false, Error: '' }
const around = { memoryBytes: 512 * 2 ** 20, isOutage: false }

const exits = [
  { state: { ExitCode: 0 }, line: 'x', reason: 'exited with code 0' },
  {
    state: { ExitCode: 1 },
    line: '\u001b[31mno\u001b[0m\tway \n\n',
    reason: 'exited with code 1: no way',
  },
  { state: { ExitCode: 1 }, line: undefined, reason: 'exited with code 1' },
  { state: { ExitCode: 137 }, line: 'x', reason: 'killed by SIGKILL' },
  { state: { ExitCode: 143 }, line: 'x', reason: 'killed by SIGTERM' },
  { state: { ExitCode: 255 }, line: undefined, reason: 'exited with code 255' },
  {
    state: { ExitCode: 137, OOMKilled: true },
    line: 'x',
    reason: 'ran out of memory (limit 512 MB)',
  },
  { state: { ExitCode: 0, OOMKilled: true }, line: 'x', reason: 'exited with code 0' },
  { state: { Status: 'created' }, line: undefined, reason: 'was never started' },
  {
    state: { ExitCode: 127 },
    line: '[FATAL tini (7)] exec web failed: No such file or directory',
    reason: 'exited with code 127: its image has no program "web"',
  },
]
test.each(exits)('exitReason() says $reason after $state', ({ state, line, reason }) => {
  expect(exitReason({ ...ended, ...state }, { ...around, lastLine: line })).toBe(reason)
})

test('exitReason() blames an engine that was away then', () => {
  const state = { ...ended, ExitCode: 143 }
  expect(exitReason(state, { ...around, isOutage: true })).toBe(
    'ended as the Docker Engine stopped',
  )
})

const create = 'failed to create shim task: OCI runtime create failed: runc create failed: '
const said = [
  [
    `${create}unable to start container process: exec: "web": executable file not found in $PATH: unknown`,
    'its image has no program "web"',
  ],
  [
    `${create}unable to start container process: exec: "/x": stat /x: no such file or directory: unknown`,
    'its image has no program "/x"',
  ],
  [
    `${create}unable to start container process: exec: "/etc": permission denied: unknown`,
    '"/etc" in its image may not be run',
  ],
  [
    'OCI runtime create failed: container_linux.go:380: starting container process caused: process_linux.go:545: container init was OOM-killed (memory limit too low?): unknown',
    'container init was OOM-killed (memory limit too low?)',
  ],
  [
    'OCI runtime exec failed: exec failed: unable to start container process: current working directory is outside: unknown',
    'current working directory is outside',
  ],
  ['unable to find user bob: no matching entries in passwd file', 'its image has no user "bob"'],
  ['mkdir /data/x: no space left on device', 'mkdir /data/x: no space left on device'],
] as const
test.each(said)('shortened() of "%s" is "%s"', (long, short) => {
  expect(shortened(long)).toBe(short)
})

const tried = { serviceName: 'web', port: 80, host: '10.0.0.1' }
const taken = [
  'driver failed programming external connectivity on endpoint x (ab): Bind for 10.0.0.1:80 failed: port is already allocated',
  'driver failed programming external connectivity on endpoint x (ab): Error starting userland proxy: listen tcp4 10.0.0.1:80: bind: address already in use',
]
test.each(taken)('startFailure() says that the port is in use: %s', (reason) => {
  const error = new EngineError('start', { failure: 'refused', status: 500, reason })
  expect(startFailure(error, tried)).toMatchObject({
    ...{ status: 409, code: 'PORT_IN_USE' },
    message: 'Cannot start "web": port 80 of 10.0.0.1 is in use',
  })
})

test('startFailure() leaves what is not about the replica as it is', () => {
  const error = new EngineError('start', { failure: 'silent', reason: 'no answer' })
  expect(startFailure(error, tried)).toBe(error)
})

const checks = [
  { health: undefined, paused: false, opinion: { kind: 'none' } },
  { health: { Status: 'none' }, paused: false, opinion: { kind: 'none' } },
  { health: { Status: 'healthy' }, paused: false, opinion: { kind: 'well' } },
  { health: { Status: 'healthy' }, paused: true, opinion: { kind: 'ill', reason: 'it is paused' } },
  {
    health: { Status: 'starting', Log: [] },
    paused: false,
    opinion: { kind: 'starting', reason: 'the check of its image has not passed yet' },
  },
  {
    health: { Status: 'unhealthy', Log: [{ Output: 'a' }, { Output: 'b\nc\n' }] },
    paused: false,
    opinion: { kind: 'ill', reason: 'the check of its image fails: c' },
  },
]
test.each(checks)('opinionOf() is $opinion for $health', ({ health, paused, opinion }) => {
  expect(opinionOf({ Paused: paused, Health: health })).toEqual(opinion)
})
