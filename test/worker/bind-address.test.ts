import { expect, test } from 'vitest'
import { bindAddressOf } from '../../worker/bind-address.ts'

const cases = [
  { advertised: '127.0.0.1', asked: undefined, bind: '127.0.0.1' },
  { advertised: '127.0.0.7', asked: undefined, bind: '127.0.0.1' },
  { advertised: 'localhost', asked: undefined, bind: '127.0.0.1' },
  { advertised: '203.0.113.9', asked: '10.0.0.4', bind: '10.0.0.4' },
  { advertised: '203.0.113.9', asked: '0.0.0.0', bind: '0.0.0.0' },
]
test.each(cases)('bindAddressOf() is $bind for $advertised and $asked', async (row) => {
  expect(await bindAddressOf(row.advertised, row.asked)).toBe(row.bind)
})

test('bindAddressOf() opens no address that nobody asked for', async () => {
  await expect(bindAddressOf('203.0.113.9')).rejects.toThrow(
    'Cannot run replicas on 203.0.113.9: it is no address of this machine; ' +
      'name the one that replicas shall listen on with --bind',
  )
})
