import { expect, test } from 'vitest'
import { DriverDesk } from '../worker/drivers/docker/driver-desk.ts'
import { request } from 'node:http'
function get(socketPath: string, path: string) { return new Promise<number>((res) => { const r = request({socketPath, path, agent: false}, (m) => { let n=0; m.on('data', (c) => n+=c.length); m.on('end', () => res(n)) }); r.end() }) }
test('zz', async () => {
  const desk = await DriverDesk.open()
  const one = desk.driver()
  const first = await desk.start(one, desk.replica('exec sleep 1000'))
  const { Config, HostConfig } = await desk.inspect(first.handle)
  const ids = []
  for (let i = 0; i < 49; i++) ids.push(await desk.create({ ...first.assigned, serviceName: 'x' + i }, Config, HostConfig))
  const s = desk.host.socketPath
  for (let i = 0; i < 4; i++) {
    let t = performance.now(); const f = await one.driver.list(); console.log('list', f.running.length, performance.now() - t, process.cpuUsage())
    t = performance.now(); for (let k = 0; k < 20; k++) await get(s, '/_ping'); console.log('20 pings', performance.now() - t)
    t = performance.now(); for (let k = 0; k < 49; k++) await get(s, `/containers/${ids[k]}/json`); console.log('49 seq inspects raw', performance.now() - t)
    t = performance.now(); await Promise.all(ids.map((id) => get(s, `/containers/${id}/json`))); console.log('49 par inspects raw', performance.now() - t)
    t = performance.now(); await get(s, `/containers/json?all=1`); console.log('list raw', performance.now() - t)
  }
  await one.close()
  await desk.close()
  expect(1).toBe(1)
}, 120000)
