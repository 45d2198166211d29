import { expect, test } from 'vitest'
import { type UpPlan, workerChildren } from '../../../../master/cli/up/plan.ts'

const PLAN: UpPlan = {
  ...{ dir: '/data', host: '127.0.0.1', workers: 2, masterFlags: [] },
  ...{ port: 18_080, proxyPort: 8_080, adminPort: 8_081, driver: 'auto' },
}

function flag(plan: UpPlan, name: string): readonly (string | undefined)[] {
  return workerChildren(plan).map(({ argv }) => {
    const at = argv.indexOf(name)
    return at === -1 ? undefined : argv[at + 1]
  })
}

test.each(['auto', 'docker', 'process'] as const)('workerChildren() run %s', (driver) => {
  expect(flag({ ...PLAN, driver }, '--driver')).toEqual([driver, driver])
})

test('workerChildren() are told of an engine only when one was named', () => {
  const dockerHost = 'unix:///tmp/docker.sock'
  expect(flag({ ...PLAN, dockerHost }, '--docker-host')).toEqual([dockerHost, dockerHost])
  expect(flag(PLAN, '--docker-host')).toEqual([undefined, undefined])
})
