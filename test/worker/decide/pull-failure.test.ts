import { expect, test } from 'vitest'
import { judgePull, mayUseOld } from '../../../worker/decide/pull-failure.ts'

const where = 'the registry reg:5000'

/** What engines have really said; `old`: whether an image that is here may serve instead. */
const cases: readonly [said: string, kind: string, clause: string, old: boolean][] = [
  [
    'manifest for reg:5000/a:9 not found: manifest unknown: manifest unknown',
    'not-found',
    `${where} has no such image or tag`,
    false,
  ],
  [
    'name unknown: repository name not known to registry',
    'not-found',
    `${where} has no such image or tag`,
    false,
  ],
  [
    'Head "http://reg:5000/v2/a/manifests/1": no basic auth credentials',
    'denied',
    `${where} denies access, and this node has no credentials for it`,
    false,
  ],
  [
    'unauthorized: authentication required',
    'denied',
    `${where} denies access, and this node has no credentials for it`,
    false,
  ],
  [
    "pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'denied',
    `${where} has no such image, or denies access to it`,
    false,
  ],
  [
    'Get "http://reg:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused',
    'unreachable',
    `${where} does not answer (connection refused)`,
    true,
  ],
  [
    'Get "https://reg:5000/v2/": dial tcp: lookup reg on 10.0.0.2:53: no such host',
    'unreachable',
    `${where} does not answer (no such host)`,
    true,
  ],
  [
    'Get "http://reg:5000/v2/": dial tcp 10.0.0.9:5000: connect: no route to host',
    'unreachable',
    `${where} does not answer (no route to host)`,
    true,
  ],
  [
    'Get "https://reg:5000/v2/": dial tcp: lookup reg on 10.0.0.2:53: dial udp 10.0.0.2:53: connect: network is unreachable',
    'unreachable',
    `${where} does not answer (network is unreachable)`,
    true,
  ],
  [
    'Get "https://reg:5000/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    'unreachable',
    `${where} does not answer (timed out)`,
    true,
  ],
  ['Get "http://reg:5000/v2/": EOF', 'unreachable', `${where} does not answer (it hung up)`, true],
  [
    'Get "https://reg:5000/v2/": http: server gave HTTP response to HTTPS client',
    'unreachable',
    `${where} speaks plain HTTP, the Docker Engine wants HTTPS from it`,
    true,
  ],
  [
    'Get "https://reg:5000/v2/": x509: certificate signed by unknown authority',
    'unreachable',
    `the Docker Engine does not trust the certificate of ${where}`,
    true,
  ],
  [
    'received unexpected HTTP status: 503 Service Unavailable',
    'unreachable',
    `${where} does not work, it answers 503`,
    true,
  ],
  [
    'toomanyrequests: You have reached your pull rate limit.',
    'busy',
    `${where} allows no more pulls for now`,
    true,
  ],
  [
    'failed to register layer: Error processing tar file(exit status 1): write /blob: no space left on device',
    'no-space',
    'no space left on device',
    false,
  ],
  [
    'no matching manifest for linux/amd64 in the manifest list entries',
    'other-machine',
    'it is not made for machines like this (linux/amd64)',
    false,
  ],
  ['filesystem layer verification failed for digest sha256:00', 'other', '', false],
  ['', 'other', 'the Docker Engine does not say why', false],
]

test.each(cases)('judgePull() of "%s" is %s', (said, kind, clause, old) => {
  const failure = judgePull(said, { where, hasCredentials: false })
  expect(failure).toEqual({ kind, clause: clause === '' ? said : clause })
  expect(mayUseOld(failure)).toBe(old)
})

test('judgePull() says when it was credentials that were not accepted', () => {
  const { clause } = judgePull('unauthorized: authentication required', {
    ...{ where, hasCredentials: true },
  })
  expect(clause).toBe(`${where} denies access with the credentials that this node has`)
})

test('judgePull() keeps unknown words on one bounded line, without the query of an address', () => {
  const said = `Get "https://auth/token?account=ann&scope=x": strange\n${'x'.repeat(1_000)}`
  const { kind, clause } = judgePull(said, { where, hasCredentials: true })
  expect(kind).toBe('other')
  expect(clause).toMatch(/^Get "https:\/\/auth\/token": strange x+$/)
  expect(clause).toHaveLength(300)
})
