import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RouteIndex } from '../../../proxy/decide/route-index.ts'
import { RouteTable } from '../../../proxy/decide/route-table.ts'
import type { RouteFragment, RouteRule } from '../../../shared/model.ts'
import type { RoutesAnswer } from '../../../shared/protocol.ts'

function service(name: string, routes: readonly RouteRule[] = [], replicas: string[] = []) {
  const endpoint = { node: 'n', host: '127.0.0.1', port: 1, suspect: false }
  return {
    service: `id-${name}`,
    name,
    objective: { percentile: 95, latencyTargetMs: 100 },
    routes: [...routes],
    endpoints: replicas.map((replica) => ({ replica, ...endpoint })),
  } satisfies RouteFragment
}

const index = new RouteIndex([
  service('root', [{ path: '/' }]),
  service('api', [{ path: '/api/' }]),
  service('api-v2', [{ path: '/api/v2' }]),
  service('shop', [{ host: 'Shop.test' }]),
  service('cart', [{ host: 'shop.test', path: '/cart' }]),
  service('wild', [{ host: '*.test' }]),
  service('deep', [{ host: '*.b.test' }]),
  service('a b'),
])

test.each([
  ['t', '/', 'root', '/'],
  ['t', '/other?x=1', 'root', '/other?x=1'],
  ['t', '/api', 'api', '/api'],
  ['t', '/api/', 'api', '/api/'],
  ['t', '/api/v1/x', 'api', '/api/v1/x'],
  ['t', '/api/v2', 'api-v2', '/api/v2'],
  ['t', '/api/v2/x?y=/z', 'api-v2', '/api/v2/x?y=/z'],
  ['t', '/api/v20', 'api', '/api/v20'],
  ['t', '/apix', 'root', '/apix'],
  ['t', '/apix?/api', 'root', '/apix?/api'],
  ['t', `/api${'/'.repeat(5_000)}`, 'api', `/api${'/'.repeat(5_000)}`],
  ['shop.test', '/', 'shop', '/'],
  ['SHOP.test.:8080', '/x', 'shop', '/x'],
  ['shop.test', '/cart/1', 'cart', '/cart/1'],
  ['shop.test', '/carts', 'shop', '/carts'],
  ['shop.test', '/s/api/x', 'shop', '/s/api/x'],
  ['other.test', '/', 'wild', '/'],
  ['a.b.test', '/', 'deep', '/'],
  ['test', '/', 'root', '/'],
  ['[::1]:80', '/api', 'api', '/api'],
  ['t', '/s/api', 'api', '/'],
  ['t', '/s/api?x=1', 'api', '/?x=1'],
  ['t', '/s/api/', 'api', '/'],
  ['t', '/s/api/a/b?x', 'api', '/a/b?x'],
  ['t', '/s/a%20b/x', 'a b', '/x'],
  ['t', '/s/nobody/x', 'root', '/s/nobody/x'],
  ['t', '/s/%E0%A4%A/x', 'root', '/s/%E0%A4%A/x'],
])('match() sends %s%s to %s as %s', (host, target, name, sent) => {
  const found = index.match(host, target)
  expect(found?.fragment.name).toBe(name)
  expect(found?.target).toBe(sent)
})

test('match() and routeOf() tell the rule that speaks of a request, also where it names the service', () => {
  const shop = service('shop', [{ host: 'Shop.test', path: '/export/', slow: true }, { path: '/' }])
  const both = new RouteIndex([shop, service('zoo', [{ path: '/', slow: true }])])
  expect(both.match('shop.test', '/export/1')?.route).toEqual({
    name: 'shop.test/export',
    slow: true,
  })
  expect(both.match('t', '/export/1')?.route).toEqual({ name: '/', slow: false })
  expect(both.match('t', '/s/shop/export/1')?.route?.slow).toBe(true)
  expect(both.match('t', '/s/zoo/x')?.route).toEqual({ name: '/', slow: true })
  expect(both.routeOf(shop.service, '/export?q')?.slow).toBe(true)
  expect(both.routeOf('unknown', '/')).toBeUndefined()
})

test('match() finds nothing where no rule is', () => {
  const none = new RouteIndex([service('web', [{ host: 'a.test', path: '/x' }])])
  expect(none.match('b.test', '/x')).toBeUndefined()
  expect(none.match('a.test', '/y')).toBeUndefined()
  expect(none.match('', '/')).toBeUndefined()
})

test('match() gives a rule that two services claim to the same one, in whatever order', () => {
  const both = [service('b', [{ path: '/' }]), service('a', [{ path: '/' }])]
  for (const order of [both, [...both].reverse()]) {
    expect(new RouteIndex(order).match('t', '/')?.fragment.name).toBe('a')
  }
})

test('match() always takes the longest prefix that ends at a segment', () => {
  const segment = fc.constantFrom('a', 'b', 'ab')
  const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 6 }), path, (prefixes, asked) => {
      const found = new RouteIndex(prefixes.map((p) => service(p, [{ path: p }]))).match('t', asked)
      const fitting = prefixes.filter((p) => p === '/' || asked === p || asked.startsWith(`${p}/`))
      const longest = fitting.sort((x, y) => y.length - x.length)[0]
      expect(found?.fragment.name).toBe(longest)
    }),
  )
})

describe('find()', () => {
  const named = new RouteIndex([
    { ...service('web'), image: 'nginx:1' },
    { ...service('nginx:1'), image: 'other' },
    { ...service('x'), image: 'both' },
    { ...service('y'), image: 'both' },
  ])
  test.each([
    ['web', 'web'],
    ['nginx:1', 'nginx:1'],
    ['other', 'nginx:1'],
    ['other:latest', 'nginx:1'],
    ['other:2', undefined],
    ['nginx', undefined],
    ['both', undefined],
    ['__proto__', undefined],
  ])('of %s is %s', (name, found) => {
    expect(named.find(name)?.name).toBe(found)
  })
})

function answer(
  [epoch, seq]: readonly [number, number],
  kind: 'snapshot' | 'delta',
  fragments: readonly RouteFragment[] = [],
  removed: readonly string[] = [],
): RoutesAnswer {
  return {
    wire: 1,
    revision: { epoch, seq },
    snapshot: kind === 'snapshot',
    fragments: fragments.map((f) => ({ ...f, routes: [...f.routes], endpoints: [...f.endpoints] })),
    removed: [...removed],
  }
}

function tableAt(epoch: number, seq: number): RouteTable {
  const table = new RouteTable()
  table.apply(answer([epoch, seq], 'snapshot', [service('web', [], ['r1', 'r2'])]), undefined)
  return table
}

describe('apply()', () => {
  test('puts a snapshot in force and says which replicas it removed', () => {
    const table = tableAt(2, 5)
    const next = answer([2, 6], 'snapshot', [service('web', [], ['r2', 'r3'])])
    expect(table.apply(next, { epoch: 2, seq: 5 })).toMatchObject({ removed: ['r1'], lost: [] })
    expect(table.revision).toEqual({ epoch: 2, seq: 6 })
  })

  test('applies a delta to what it follows on', () => {
    const table = tableAt(2, 5)
    const next = answer([2, 7], 'delta', [service('api', [], ['r9'])], ['id-web'])
    expect(table.apply(next, { epoch: 2, seq: 5 })).toEqual({
      kind: 'applied',
      removed: ['r1', 'r2'],
      lost: [],
    })
    expect(table.fragments.map(({ name }) => name)).toEqual(['api'])
  })

  test('says which of the removed are lost: those whose machines had fallen silent', () => {
    const table = tableAt(2, 5)
    const web = service('web', [], ['r1', 'r2', 'r3'])
    const silent = web.endpoints.map((one) => ({ ...one, suspect: one.replica !== 'r3' }))
    table.apply(answer([2, 6], 'delta', [{ ...web, endpoints: silent }]), { epoch: 2, seq: 5 })
    const next = answer([2, 7], 'delta', [service('web', [], ['r2'])])
    expect(table.apply(next, { epoch: 2, seq: 6 })).toMatchObject({
      removed: ['r1', 'r3'],
      lost: ['r1'],
    })
  })

  test.each([
    ['a delta of another epoch', answer([3, 1], 'delta'), { epoch: 2, seq: 5 }],
    ['a delta after another revision', answer([2, 9], 'delta'), { epoch: 2, seq: 8 }],
    ['a delta after nothing', answer([2, 6], 'delta'), undefined],
  ])('asks for a snapshot on %s', (_what, sent, after) => {
    const table = tableAt(2, 5)
    expect(table.apply(sent, after)).toEqual({ kind: 'gap' })
    expect(table.revision).toEqual({ epoch: 2, seq: 5 })
  })

  test.each([
    ['a lower epoch', answer([1, 99], 'snapshot')],
    ['an earlier sequence', answer([2, 4], 'snapshot')],
  ])('refuses %s', (_what, sent) => {
    const table = tableAt(2, 5)
    expect(table.apply(sent, { epoch: 2, seq: 5 }).kind).toBe('refused')
    expect(table.fragments).toHaveLength(1)
  })

  test('refuses an epoch lower than the highest it ever saw, also after a restart', () => {
    const table = tableAt(2, 5)
    table.apply(answer([4, 0], 'delta'), { epoch: 2, seq: 5 })
    const restarted = new RouteTable()
    if (table.saved !== undefined) restarted.restore(table.saved)
    expect(restarted.apply(answer([3, 1], 'snapshot'), undefined).kind).toBe('refused')
  })

  test('confirms a restored table when the master has nothing newer', () => {
    const restored = new RouteTable()
    const { saved } = tableAt(2, 5)
    if (saved !== undefined) restored.restore(saved)
    expect(restored.stale).toBe(true)
    expect(restored.match('t', '/s/web')?.fragment.name).toBe('web')
    expect(restored.apply(answer([2, 5], 'delta'), { epoch: 2, seq: 5 }).kind).toBe('confirmed')
    expect(restored.stale).toBe(false)
  })
})

test('apply() never goes back, whatever is answered in whatever order', () => {
  const one = fc.record({
    at: fc.tuple(fc.nat(3), fc.nat(3)),
    kind: fc.constantFrom('snapshot' as const, 'delta' as const),
    follows: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(one), (answers) => {
      const table = new RouteTable()
      let before = Number.NEGATIVE_INFINITY
      for (const { at, kind, follows } of answers) {
        table.apply(answer(at, kind), follows ? table.revision : undefined)
        const { epoch = -1, seq = 0 } = table.revision ?? {}
        const now = epoch * 10 + seq
        expect(now).toBeGreaterThanOrEqual(before)
        before = now
      }
    }),
  )
})
