import { expect, test } from 'vitest'
import { localAddressTowards } from '../../worker/local-address.ts'

const cases = [
  { url: 'http://127.0.0.1:18080', address: '127.0.0.1' },
  { url: 'http://127.0.0.9:18080', address: '127.0.0.1' },
  { url: 'https://[::1]:18080', address: '::1' },
  { url: 'http://no-such-host.invalid:18080', address: undefined },
]
test.each(cases)('localAddressTowards() is $address for $url', async ({ url, address }) => {
  expect(await localAddressTowards(url)).toBe(address)
})
