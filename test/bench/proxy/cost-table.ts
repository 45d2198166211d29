/** For people: what a request costs in processor time, by workload and proxy. */
import { medianCpuUs, type Slice } from './slices.ts'

const NAME_WIDTH = 14

export function costTable(runs: Readonly<Record<string, unknown>>): string {
  const measured = Object.entries(runs)
    .filter(([name]) => name.startsWith('cpu.'))
    .flatMap(([, list]) => list as readonly Slice[])
  const workloads = [...new Set(measured.map(({ workload }) => workload))]
  const proxies = [...new Set(measured.map(({ proxy }) => withoutVariant(proxy)))]
  const header = ['µs of CPU', ...proxies].map(padded).join('')
  const rows = workloads.map((workload) => {
    const costs = proxies.map((proxy) => {
      const same = measured.find(
        (s) => s.workload === workload && withoutVariant(s.proxy) === proxy,
      )
      const cost = same === undefined ? null : medianCpuUs(measured, workload, same.proxy)
      return cost === null ? '' : cost.toFixed(1)
    })
    return [workload, ...costs].map(padded).join('')
  })
  return [header, ...rows, ''].join('\n')
}

/** `nginx-tls` stands in the column of nginx. */
function withoutVariant(proxy: string): string {
  return proxy.replace(/-(tls|ws)$/, '')
}

function padded(text: string): string {
  return text.padEnd(NAME_WIDTH)
}
