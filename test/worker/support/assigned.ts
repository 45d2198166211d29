import type { AssignedReplica } from '../../../shared/protocol.ts'

/** A replica as a master would assign it: a program that serves nothing and is not probed. */
export function assignedReplica(changes: Partial<AssignedReplica> = {}): AssignedReplica {
  return {
    replica: 'r1',
    service: 's1',
    serviceName: 'web',
    revision: 1,
    draining: false,
    command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
    environment: {},
    health: {
      probe: { kind: 'none' },
      intervalMs: 100,
      timeoutMs: 1_000,
      failuresMax: 3,
      successesMin: 2,
      startMaxMs: 10_000,
    },
    resources: {
      cpuLimit: 1,
      memoryLimitMb: 512,
      cpuReserved: 0.1,
      memoryReservedMb: 64,
      pidsMax: 1_000,
    },
    networks: [],
    volumes: [],
    labels: {},
    init: true,
    pull: 'missing',
    stopGraceMs: 1_000,
    ...changes,
  }
}

/** A small HTTP server on `PORT` and `HOST`, in one line for `node -e`. */
export const SERVER = `
  const { createServer } = require('node:http')
  createServer((q, s) => s.end('ok')).listen(Number(process.env.PORT), process.env.HOST)
`

export function node(script: string, ...parameters: string[]): string[] {
  return [process.execPath, '-e', script, ...parameters]
}
