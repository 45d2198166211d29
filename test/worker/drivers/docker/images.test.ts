import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deadline } from '../../../../shared/clock.ts'
import { RequestError, sentenceOf } from '../../../../shared/errors.ts'
import type { StartProgress } from '../../../../shared/stream-protocol.ts'
import { EngineError } from '../../../../worker/drivers/docker/engine-error.ts'
import type { Images } from '../../../../worker/drivers/docker/images.ts'
import { output } from '../../../support/command.ts'
import { hasLab } from '../../../support/lab-needs.ts'
import type { LabRegistry } from '../../../support/lab-registry.ts'
import { until } from '../../../support/until.ts'
import { RecordedLog } from '../../support/recorded-log.ts'
import { ImageDesk } from './image-desk.ts'

const OPEN = '10.77.0.10:5000'
const LOCKED = '10.77.0.10:5001'
const NOBODY = '10.77.0.10:5009'
const APP = `${OPEN}/team/app:1`
const SECRET_APP = `${LOCKED}/team/app:1`
const SMALL = `${OPEN}/small:1`
const BIG_MB = 12

describe.runIf(hasLab('images of a real engine', ['docker-registry']))('images', () => {
  let desk: ImageDesk
  let open: LabRegistry
  let locked: LabRegistry
  let digest: string

  beforeAll(async () => {
    desk = await ImageDesk.open({ diskMb: 192 })
    open = await desk.lab.registry()
    locked = await desk.lab.registry({ auth: true, port: 5_001 })
    expect([open.address, locked.address]).toEqual([OPEN, LOCKED])
    await desk.make('big:1', BIG_MB, 'EXPOSE 8080/tcp 53/udp 443')
    await open.push(desk.host, 'big:1', 'team/app:1')
    await locked.push(desk.host, 'big:1', 'team/app:1')
    await desk.make('little:1', 1, 'HEALTHCHECK CMD ["true"]')
    await open.push(desk.host, 'little:1', 'small:1')
    await desk.host.docker(['pull', APP])
    const format = ['--format', '{{index .RepoDigests 0}}']
    digest = (await desk.host.docker(['inspect', ...format, APP])).trim().split('@')[1] ?? ''
    await desk.forget('big')
  })

  afterAll(() => desk.close())

  beforeEach(async () => {
    await desk.forget(`${OPEN}/team/app`, `${LOCKED}/team/app`, `${OPEN}/small`, 'little')
    await desk.configure({})
    desk.streams = 0
  })

  test('ensure() pulls what is missing, tells how far it is, and says what the image says', async () => {
    const [images, heard] = [desk.images(), [] as StartProgress[]]
    const asked = { image: APP, pull: 'missing' } as const
    const facts = await images.ensure(asked, (one) => heard.push(one), deadline(30_000))
    expect(facts).toEqual({
      ...{ id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), exposedPorts: [443, 8080] },
      hasHealthcheck: false,
    })
    expect(heard[0]).toEqual({ text: `pulling ${APP}` })
    const last = heard.at(-1)
    expect(last?.text).toBe(`pulling ${APP}, 1 of 1 layer`)
    expect(last?.doneBytes).toBeGreaterThan(BIG_MB * 1_000_000)
    expect(last?.totalBytes).toBe(last?.doneBytes)
    expect(await images.ensure(asked, () => undefined, deadline(30_000))).toEqual(facts)
    expect(desk.streams).toBe(1)
  })

  test('ensure() reads whether the image checks itself', async () => {
    const facts = await ensure(desk.images(), SMALL)
    expect(facts).toMatchObject({ exposedPorts: [], hasHealthcheck: true })
  })

  test('ensure() pulls exactly what a digest names, whatever the tag beside it', async () => {
    const images = desk.images()
    const facts = await ensure(images, `${OPEN}/team/app@${digest}`)
    expect(await ensure(images, `${OPEN}/team/app:other@${digest}`)).toEqual(facts)
    expect(desk.streams).toBe(1)
    const wrong = `sha256:${'0'.repeat(64)}`
    expect(await refusal(images, `${OPEN}/team/app@${wrong}`)).toEqual([
      ...[404, 'IMAGE_NOT_FOUND'],
      `Cannot pull ${OPEN}/team/app@${wrong}: the registry ${OPEN} has no such image or tag`,
    ])
  })

  test.each([`${OPEN}/team/app:9`, `${OPEN}/no/such:1`, `${OPEN}/team/app`])(
    'ensure() says that %s is not in its registry',
    async (image) => {
      const name = image.endsWith('app') ? `${image}:latest` : image
      expect(await refusal(desk.images(), image)).toEqual([
        ...[404, 'IMAGE_NOT_FOUND'],
        `Cannot pull ${name}: the registry ${OPEN} has no such image or tag`,
      ])
    },
  )

  test('ensure() says that a registry is down', async () => {
    expect(await refusal(desk.images(), `${NOBODY}/team/app:1`)).toEqual([
      ...[502, 'REGISTRY_UNREACHABLE'],
      `Cannot pull ${NOBODY}/team/app:1: the registry ${NOBODY} does not answer (connection refused)`,
    ])
  })

  test('ensure() refuses what is no image before it asks anybody', async () => {
    expect(await refusal(desk.images(), 'a b;c')).toEqual([
      ...[422, 'VALIDATION_ERROR'],
      'Cannot use image "a b;c": expected an image like registry:5000/team/app:1.2',
    ])
    expect(desk.streams).toBe(0)
  })

  test('ensure() with `always` gets what a tag means now, with `missing` what it meant', async () => {
    const images = desk.images()
    const moving = `${OPEN}/small:moving`
    for (const name of ['one', 'two']) await desk.make(`${name}:1`, 1)
    await open.push(desk.host, 'one:1', 'small:moving')
    const first = await ensure(images, moving)
    await open.push(desk.host, 'two:1', 'small:moving')
    await desk.host.docker(['tag', 'one:1', moving])
    expect(await ensure(images, moving)).toEqual(first)
    expect((await ensure(images, moving, 'always')).id).not.toBe(first.id)
  })

  test('ensure() with `always` goes on with what is here when the registry is down', async () => {
    const [log, mine] = [new RecordedLog(), `${NOBODY}/mine:1`]
    const images = desk.images(log)
    expect((await refusal(images, mine, 'always'))[1]).toBe('REGISTRY_UNREACHABLE')
    const { id } = await ensure(images, SMALL)
    await desk.host.docker(['tag', SMALL, mine])
    expect((await ensure(images, mine, 'always')).id).toBe(id)
    const reason = `Cannot pull ${mine}: the registry ${NOBODY} does not answer (connection refused)`
    expect(log.lines.at(-1)).toEqual({
      ...{ level: 'warn', message: 'image not renewed', fields: { image: mine, reason } },
    })
    // A registry that answers is believed.
    await desk.host.docker(['tag', SMALL, `${OPEN}/gone:1`])
    expect((await refusal(images, `${OPEN}/gone:1`, 'always'))[1]).toBe('IMAGE_NOT_FOUND')
  })

  test('ensure() with `always` waits for a silent registry only when it must', async () => {
    const log = new RecordedLog()
    const images = desk.images(log)
    const { id } = await ensure(images, SMALL)
    await desk.lab.faults.part(desk.host, desk.lab.master)
    try {
      const ending = new AbortController()
      const needy = refusal(images, APP, 'always', ending.signal)
      expect((await ensure(images, SMALL, 'always')).id).toBe(id)
      const reason = `Cannot pull ${SMALL}: the registry ${OPEN} does not answer within 10 s`
      expect(log.lines.at(-1)?.fields).toEqual({ image: SMALL, reason })
      ending.abort()
      expect((await needy)[2]).toBe(`Cannot pull ${APP}: it was not pulled in time`)
    } finally {
      await desk.lab.faults.unpart(desk.host, desk.lab.master)
    }
    await ensure(images, APP, 'always')
  })

  test('ensure() says whether it was without credentials or with wrong ones', async () => {
    const images = desk.images()
    expect(await refusal(images, SECRET_APP)).toEqual([
      ...[403, 'IMAGE_DENIED'],
      `Cannot pull ${SECRET_APP}: the registry ${LOCKED} denies access, and this node has no credentials for it`,
    ])
    await desk.configure({ auths: { [LOCKED]: { auth: btoa('lab:wrong') } } })
    expect(await refusal(images, SECRET_APP)).toEqual([
      ...[403, 'IMAGE_DENIED'],
      `Cannot pull ${SECRET_APP}: the registry ${LOCKED} denies access with the credentials that this node has`,
    ])
  })

  test('ensure() shows the credentials of the configuration, read anew', async () => {
    const { username = '', password = '' } = locked.credentials ?? {}
    const [log, auth] = [new RecordedLog(), btoa(`${username}:${password}`)]
    const images = desk.images(log)
    await refusal(images, SECRET_APP)
    await desk.configure({ auths: { [LOCKED]: { auth } } })
    await ensure(images, SECRET_APP)
    expect(log.lines.map(({ message }) => message)).toEqual(['image pulled'])
    expect(JSON.stringify(log.lines)).not.toMatch(new RegExp(`${password}|${auth}`))
  })

  test('ensure() shows the credentials of a helper, and names one that fails', async () => {
    const { username: Username, password: Secret } = locked.credentials ?? {}
    const answer = JSON.stringify({ ServerURL: LOCKED, Username, Secret })
    await desk.helper('keep', `echo '${answer}'`)
    await desk.helper('broken', `echo '${answer}'; exit 4`)
    const images = desk.images()
    await desk.configure({ credHelpers: { [LOCKED]: 'broken' } })
    expect((await refusal(images, SECRET_APP))[2]).toMatch(
      /no credentials for it: docker-credential-broken failed with code 4$/,
    )
    await desk.configure({ credHelpers: { [LOCKED]: 'keep' } })
    await ensure(images, SECRET_APP)
  })

  test('ensure() pulls once for all who wait; who gives up leaves the others', async () => {
    const images = desk.images()
    await desk.slowly('16mbit', async (restore) => {
      const hasty = new AbortController()
      const given = refusal(images, APP, 'missing', hasty.signal)
      const patient = begun(images, APP)
      await until(() => patient.heard.some(({ doneBytes = 0 }) => doneBytes > 0))
      hasty.abort()
      expect((await given)[2]).toMatch(/: it was not pulled in time, \d.* of \d+ MB$/)
      await restore()
      const late = begun(images, APP)
      expect(await patient.facts).toEqual(await late.facts)
      expect(late.heard[0]?.text).toBe(`pulling ${APP}, 0 of 1 layer`)
      expect(desk.streams).toBe(1)
    })
  })

  test('ensure() ends a pull that nobody waits for any longer, and can begin it anew', async () => {
    const images = desk.images()
    // What comes lies there until it is whole.
    const parts = () => output([...desk.host.prefix, 'ls', join(desk.host.dir, 'data/tmp')])
    await desk.slowly('8mbit', async () => {
      const ending = new AbortController()
      const given = refusal(images, APP, 'missing', ending.signal)
      await until(parts)
      ending.abort()
      expect((await given).slice(0, 2)).toEqual([504, 'PULL_TIMED_OUT'])
      await until(async () => (await parts()) === '')
    })
    await ensure(images, APP)
    expect(desk.streams).toBe(2)
  })

  test('ensure() says that the disk is full, and works again when it is not', async () => {
    const images = desk.images()
    await desk.lab.faults.fill(desk.host)
    try {
      expect(await refusal(images, APP)).toEqual([
        ...[507, 'NO_SPACE', `Cannot pull ${APP}: no space left on device`],
      ])
    } finally {
      await desk.lab.faults.drain(desk.host)
    }
    await ensure(images, APP)
  })

  test('ensure() leaves an engine that is away to those who watch it', async () => {
    const images = desk.images()
    await desk.slowly('8mbit', async () => {
      const broken = begun(images, APP)
      const said = broken.facts.catch(sentenceOf)
      await until(() => broken.heard.some(({ doneBytes = 0 }) => doneBytes > 0))
      await desk.lab.faults.killEngine(desk.host)
      try {
        expect(await said).toMatch(/^Cannot pull .*: the Docker Engine broke off: /)
        await expect(ensure(images, APP)).rejects.toBeInstanceOf(EngineError)
      } finally {
        await desk.lab.faults.startEngine(desk.host)
      }
    })
    await ensure(images, APP)
  })
})

function begun(images: Images, image: string) {
  const heard: StartProgress[] = []
  const asked = { image, pull: 'missing' } as const
  return { heard, facts: images.ensure(asked, (one) => heard.push(one), deadline(60_000)) }
}

function ensure(images: Images, image: string, pull: 'missing' | 'always' = 'missing') {
  return images.ensure({ image, pull }, () => undefined, deadline(30_000))
}

async function refusal(
  images: Images,
  image: string,
  pull: 'missing' | 'always' = 'missing',
  signal = deadline(30_000),
): Promise<[number, string, string]> {
  const error = await images
    .ensure({ image, pull }, () => undefined, signal)
    .then(
      () => new Error('it was pulled'),
      (thrown: unknown) => thrown,
    )
  if (!(error instanceof RequestError)) throw error
  return [error.status, error.code, error.message]
}
