import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { Load } from '../support/load.ts'
import { until } from '../support/until.ts'

let cluster: Cluster | undefined
afterEach(async () => {
  await cluster?.stop()
  cluster = undefined
})

test('a slow service gets a second replica on the other worker, and loses it when it is fast again (O-16, O-17, O-18, O-19, R2)', async () => {
  cluster = await Cluster.start({ workers: 2, masterFlags: ['--scale-in-after', '12s'] })
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '150')
  await cluster.run('web', { environment: { DELAY_FILE: delayFile } })
  await cluster.serves('web', 1)
  const load = new Load(cluster.at('web'), 40)
  try {
    const two = await cluster.serves('web', 2)
    expect(new Set(two.map(({ nodeName }) => nodeName))).toEqual(new Set(['w1', 'w2']))
    const futile = await until(async () => {
      const { decision } = (await cluster?.why('web')) ?? {}
      return decision?.rule === 'futile' ? decision : undefined
    })
    expect(futile?.reason).toContain('did not help')
    expect((await cluster.service('web')).advice).toContain('Add a worker')
    const metrics = await (await fetch(`${cluster.masterUrl}/metrics`)).text()
    expect(metrics).toMatch(/orchestrify_service_needs_worker\{[^}]*service="web"[^}]*\} 1/)
    const kinds = (await cluster.events()).map(({ change }) => change.kind)
    expect(kinds).toContain('service-advice')
    expect(await cluster.replicas('web')).toHaveLength(2)
    writeFileSync(delayFile, '20')
    await cluster.serves('web', 1, 60_000)
  } finally {
    await load.stop()
  }
  expect(load.failed).toEqual([])
  const scaled = (await cluster.events()).flatMap(({ change }) =>
    change.kind === 'service-scaled' ? [[change.replicas, change.decision?.rule]] : [],
  )
  expect(scaled).toEqual([
    [2, 'over-objective'],
    [1, 'calm'],
  ])
  expect((await cluster.service('web')).advice).toBeUndefined()
}, 120_000)

test('a fast service under 1,000 requests gets nothing', async () => {
  cluster = await Cluster.start({ workers: 2 })
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '5')
  await cluster.run('web', { environment: { DELAY_FILE: delayFile } })
  await cluster.serves('web', 1)
  const load = new Load(cluster.at('web'), 200)
  try {
    await until(() => load.answers.length >= 1_000)
  } finally {
    await load.stop()
  }
  await until(async () => (await cluster?.why('web'))?.decision?.rule === 'at-minimum')
  expect(load.failed).toEqual([])
  expect(await cluster.replicas('web')).toHaveLength(1)
  const kinds = (await cluster.events()).map(({ change }) => change.kind)
  expect(kinds).not.toContain('service-scaled')
}, 60_000)

test('scale by hand reaches exactly the count, within the bounds, and why tells who did it (C-07)', async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('web', { autoscale: false })
  await cluster.serves('web', 1)
  await cluster.api('/v1/services/web/scale', 'POST', { replicas: 4 })
  await cluster.serves('web', 4)
  await cluster.api('/v1/services/web/scale', 'POST', { replicas: 2 })
  await cluster.serves('web', 2)
  const over = await cluster.call('/v1/services/web/scale', 'POST', { replicas: 99 })
  expect(over.status).toBe(422)
  expect((await cluster.why('web')).decision).toMatchObject({ rule: 'off' })
}, 60_000)
