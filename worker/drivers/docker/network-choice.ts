import type { EndpointSettings } from 'dockerode'
import { invalid } from '../../../shared/errors.ts'
import type { AssignedReplica } from '../../../shared/protocol.ts'

const NAME = /^[a-zA-Z0-9][\w.-]*$/

/** Networks that every engine has. */
const BUILT_IN = ['bridge', 'default']
/** In these a container would share what is the machine's own, or could not be reached. */
const REFUSED = ['host', 'none', 'ingress']

/** The networks of a replica, each once; throws for one that may not be. */
export function networksOf({ serviceName, networks }: AssignedReplica): readonly string[] {
  const wrong = networks.find((name) => REFUSED.includes(name) || !NAME.test(name))
  if (wrong === undefined) return [...new Set(networks)]
  const kept = wrong === 'host' ? 'the network of the machine is not for replicas' : undefined
  const state = kept ?? `"${wrong}" is no network that a replica can be in`
  throw invalid(`Cannot start "${serviceName}": ${state}`)
}

export function isBuiltIn(network: string): boolean {
  return BUILT_IN.includes(network)
}

/** Other containers of the network find it under the name of its service. */
export function endpointOf(network: string, { serviceName }: AssignedReplica): EndpointSettings {
  return isBuiltIn(network) ? {} : { Aliases: [serviceName] }
}
