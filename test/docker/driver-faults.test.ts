import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { CuttingProxy } from '../worker/drivers/docker/cutting-proxy.ts'
import { DriverDesk, type Watched } from '../worker/drivers/docker/driver-desk.ts'

describe.runIf(hasLab('what happens when an engine fails'))(
  'a docker driver with a bad engine',
  () => {
    let desk: DriverDesk
    beforeAll(async () => {
      desk = await DriverDesk.open()
    })
    afterEach(() => desk.clear())
    afterAll(() => desk.close())

    async function cutting(): Promise<{ one: Watched; proxy: CuttingProxy }> {
      const proxy = await CuttingProxy.open(join(desk.lab.dir, 'cut.sock'), desk.host.socketPath)
      onTestFinished(() => proxy.close())
      const one = desk.driver({ socket: proxy.socket })
      await until(() => one.news.some(({ kind }) => kind === 'missed'))
      return { one, proxy }
    }

    function count({ news }: Watched, kind: string): number {
      return news.filter((one) => one.kind === kind).length
    }

    const steps = [
      { step: 'create', cut: /^POST \S+\/containers\/create/ },
      { step: 'start', cut: /^POST \S+\/start / },
    ]

    test.each(steps)('start() goes on when the answer to its $step is lost', async ({ cut }) => {
      const { one, proxy } = await cutting()
      proxy.cut = cut
      const assigned = desk.replica('exec sleep 1000')
      const { handle } = await desk.start(one, assigned)
      expect(proxy.cuts).toBe(1)
      expect((await desk.inspect(handle)).State.Running).toBe(true)
      expect(await desk.names()).toHaveLength(1)
      expect(one.driver.trouble).toBeUndefined()
    })

    test('start() writes no secret into the address of a request', async () => {
      const { one, proxy } = await cutting()
      await desk.start(one, desk.replica('exec sleep 1000', { environment: { KEY: 'hush-hush' } }))
      expect(proxy.lines.filter((line) => line.includes('/create?name='))).toHaveLength(1)
      expect(proxy.lines.join()).not.toContain('hush-hush')
    })

    test('start() tells why it failed also when that answer is lost', async () => {
      const { one, proxy } = await cutting()
      proxy.cut = /^POST \S+\/start /
      const starting = desk.start(one, desk.replica('', { command: ['/no/such'], init: false }))
      await expect(starting).rejects.toThrow(
        'Cannot start "web": its image has no program "/no/such"',
      )
      await until(async () => (await desk.names()).length === 0)
    })

    test('start() undoes what it made when it is given up', async () => {
      const { one, proxy } = await cutting()
      const giving = new AbortController()
      const starting = desk.start(one, desk.replica('exec sleep 1000'), giving.signal)
      starting.catch(() => undefined)
      await until(async () => (await desk.names()).length === 1, { everyMs: 1 })
      giving.abort()
      const outcome = await starting.then(
        () => 'started',
        () => 'given up',
      )
      const left = outcome === 'started' ? 1 : 0
      await until(async () => (await desk.names()).length === left)
      expect(proxy.cuts).toBe(0)
    })

    test('stop() is repeated without harm when its answer is lost', async () => {
      const { one, proxy } = await cutting()
      const { replica } = await desk.start(one, desk.replica('exec sleep 1000'))
      proxy.cut = /^DELETE /
      await expect(one.driver.stop(replica, 0)).rejects.toThrow(/the connection broke|hang up/)
      proxy.cut = undefined
      await one.driver.stop(replica, 0)
      expect(await desk.names()).toEqual([])
    })

    test('watch() hears after a break what happened before and during it, once', async () => {
      const { one, proxy } = await cutting()
      const first = await desk.start(one, desk.replica('exec sleep 1000'))
      const second = await desk.start(one, desk.replica('exec sleep 1000'))
      await desk.docker('kill', first.handle)
      await until(() => count(one, 'exit') === 1)
      const missed = count(one, 'missed')
      proxy.breakAll()
      await desk.docker('kill', second.handle)
      await until(() => count(one, 'exit') === 2 && count(one, 'missed') > missed)
      const exits = one.news.flatMap((news) => (news.kind === 'exit' ? [news.replica] : []))
      expect(exits).toEqual([first.replica, second.replica])
    })

    test('trouble is told when the engine hangs and is over when it goes on', async () => {
      const one = desk.driver()
      const { replica } = await desk.start(one, desk.replica('exec sleep 1000'))
      await desk.lab.faults.hangEngine(desk.host)
      await until(() => one.driver.trouble !== undefined)
      expect(one.driver.trouble).toMatch(/since [\dT:-]+Z: it does not answer within 2 s$/)
      expect(count(one, 'trouble')).toBe(1)
      const giving = new AbortController()
      const starting = desk.start(one, desk.replica('exec sleep 1000'), giving.signal)
      giving.abort()
      await expect(starting).rejects.toThrow('it was given up')
      await desk.lab.faults.resumeEngine(desk.host)
      await until(() => one.driver.trouble === undefined)
      expect(count(one, 'trouble')).toBe(2)
      expect(one.log.lines.filter(({ message }) => message.includes('Docker Engine'))).toHaveLength(
        2,
      )
      await until(async () => (await desk.names()).length === 1)
      expect((await one.driver.list()).running).toMatchObject([{ replica }])
    })

    test('start() undoes a create that takes effect after it was given up', async () => {
      const { one, proxy } = await cutting()
      proxy.hold = /^POST \S+\/containers\/create/
      const giving = new AbortController()
      const starting = desk.start(one, desk.replica('exec sleep 1000'), giving.signal)
      starting.catch(() => undefined)
      await until(() => proxy.held === 1)
      giving.abort()
      await expect(starting).rejects.toThrow('it was given up')
      // It is looked for once, and is not there yet.
      await until(() =>
        proxy.lines.some((line) => /\/containers\/orchestrify-web\S+\/json/.test(line)),
      )
      proxy.release()
      await until(() => proxy.carriedOut === 1)
      await until(async () => (await desk.names()).length === 0)
    })

    test('an engine that is killed and started again is watched on', async () => {
      const one = desk.driver()
      const { replica, handle } = await desk.start(one, desk.replica('exec sleep 1000'))
      await desk.lab.faults.killEngine(desk.host)
      await until(() => one.driver.trouble !== undefined)
      await expect(one.driver.list()).rejects.toThrow(/cannot be reached/)
      await desk.lab.faults.startEngine(desk.host)
      await until(() => one.driver.trouble === undefined)
      const found = await until(async () => {
        const { ended } = await one.driver.list()
        return ended.length === 1 && ended
      })
      const reason = 'ended as the Docker Engine stopped'
      expect(found).toMatchObject([{ replica, handle, reason }])
      await one.driver.stop(replica, 0)
      const again = await desk.start(one, desk.replica('exit 4'))
      await until(() =>
        one.news.some((news) => news.kind === 'exit' && news.handle === again.handle),
      )
    })
  },
)
