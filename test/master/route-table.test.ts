import { expect, test } from 'vitest'
import { RouteTable } from '../../master/route-table.ts'
import type { RouteFragment } from '../../shared/model.ts'

function fragment(service: string, ...replicas: string[]): RouteFragment {
  const objective = { percentile: 95, latencyTargetMs: 100 }
  const endpoints = replicas.map((replica) => ({
    replica,
    node: 'n1',
    host: '127.0.0.1',
    port: 1,
    suspect: false,
  }))
  return { service, name: service, objective, routes: [], endpoints }
}

const never = new AbortController().signal
const over = AbortSignal.abort()

test('after() gives the whole table first, then only what changed', async () => {
  const table = new RouteTable(3)
  table.publish([fragment('a', 'a1'), fragment('b', 'b1')])
  const first = await table.after(undefined, never)
  expect(first).toMatchObject({ snapshot: true, revision: { epoch: 3, seq: 1 } })
  expect(first.fragments).toHaveLength(2)
  table.publish([fragment('a', 'a1', 'a2')])
  const second = await table.after(first.revision, never)
  expect(second).toMatchObject({ snapshot: false, revision: { epoch: 3, seq: 2 }, removed: ['b'] })
  expect(second.fragments.map(({ service }) => service)).toEqual(['a'])
})

test('after() gives the whole table to those who come from another epoch', async () => {
  const table = new RouteTable(3)
  table.publish([fragment('a', 'a1')])
  expect(await table.after({ epoch: 2, seq: 1 }, never)).toMatchObject({ snapshot: true })
})

test('after() waits for a change, for the first table, and no longer than its signal', async () => {
  const table = new RouteTable(1)
  const waiting = table.after(undefined, never)
  table.publish([])
  expect(await waiting).toMatchObject({ snapshot: true, revision: { seq: 1 } })
  expect(await table.after({ epoch: 1, seq: 1 }, over)).toMatchObject({
    snapshot: false,
    fragments: [],
  })
})

test('publish() says nothing new when nothing differs', () => {
  const table = new RouteTable(1)
  expect(table.publish([fragment('a', 'a1')])).toBe(true)
  expect(table.publish([fragment('a', 'a1')])).toBe(false)
})

test('published tells at which revision a replica left, until it is back', () => {
  const table = new RouteTable(1)
  table.publish([fragment('a', 'a1', 'a2')])
  table.publish([fragment('a', 'a1')])
  expect(table.published.retired.get('a2')).toBe(2)
  expect(table.published.routed).toEqual(new Set(['a1']))
  table.publish([fragment('a', 'a1', 'a2')])
  expect(table.published.retired.has('a2')).toBe(false)
})
