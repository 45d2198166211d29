import { join, parse } from 'node:path'
import type { ProxyConfig } from './config.ts'
import type { ParentLine } from './parent-line.ts'
import type { Places } from './running-proxy.ts'

/** Each process beside the first is a proxy of its own: with its own data, log and admin port. */
export function configOfSlot(config: ProxyConfig, slot: number): ProxyConfig {
  if (slot === 1) return config
  const { data, adminPort, logFile } = config
  return {
    ...config,
    data: join(data, String(slot)),
    // Any port is another one for each.
    adminPort: adminPort === 0 ? 0 : Math.min(65_535, adminPort + slot - 1),
    ...(logFile === undefined ? {} : { logFile: beside(logFile, slot) }),
  }
}

/** All processes accept from one socket for the traffic; each has its own for operators. */
export async function bindPlaces(
  line: Pick<ParentLine, 'bind'>,
  config: ProxyConfig,
  slot: number,
): Promise<Places> {
  const { host, port, adminHost, adminPort, tlsPort } = config
  const search = slot > 1
  const traffic = await line.bind({ name: 'traffic', host, port, search: false })
  const secure =
    tlsPort === undefined
      ? undefined
      : await line.bind({ name: 'tls', host, port: tlsPort, search: false })
  const name = `admin of ${slot}`
  const admin = await line.bind({ name, host: adminHost, port: adminPort, search })
  return { traffic, secure, admin }
}

/** `proxy.log` of the second process is `proxy-2.log`. */
function beside(path: string, slot: number): string {
  const { dir, name, ext } = parse(path)
  return join(dir, `${name}-${slot}${ext}`)
}
