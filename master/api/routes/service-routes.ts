import type { ServiceView } from '../../../shared/api.ts'
import { invalid } from '../../../shared/errors.ts'
import type { Service } from '../../../shared/model.ts'
import { findService } from '../../decide/intents/find.ts'
import {
  createService,
  putService,
  removeService,
  type ServiceLimits,
  type ServiceRequest,
  scaleService,
} from '../../decide/intents/service.ts'
import type { Intent, MasterSurface } from '../../surface.ts'
import { type Answer, actorOf, type Call, json, type Route, SPEC_BYTES_MAX } from '../route.ts'
import { readScale, readService } from '../service-input.ts'
import type { ServiceDefaults } from '../service-knobs.ts'
import { serviceView, whyView } from '../views/service-view.ts'

export type ServiceOptions = ServiceDefaults & ServiceLimits

/** What is asked about services. */
export function serviceReads(master: MasterSurface): readonly Route[] {
  const read = { method: 'get', roles: ['operator', 'viewer'], kind: 'read' } as const
  const found = ({ params }: Call): Service => findService(master.desired, params.id ?? '')
  return [
    {
      ...read,
      path: '/v1/services',
      handle: () => {
        const services = [...master.desired.services.values()]
        return json({ services: services.map((service) => serviceView(service, master)) })
      },
    },
    {
      ...read,
      path: '/v1/services/:id',
      handle: (call) => json(serviceView(found(call), master)),
    },
    {
      ...read,
      path: '/v1/services/:id/why',
      handle: (call) => json(whyView(found(call), master)),
    },
    {
      ...read,
      path: '/v1/services/:id/series',
      handle: (call) => json(master.history.ofService(found(call).id)),
    },
  ]
}

/** What is wanted of services. */
export function serviceWrites(master: MasterSurface, options: ServiceOptions): readonly Route[] {
  const write = { roles: ['operator'], kind: 'write', bodyBytesMax: SPEC_BYTES_MAX } as const
  return [
    {
      ...write,
      method: 'post',
      path: '/v1/services',
      handle: async ({ body, caller }) => {
        const request = readService(body, options)
        await master.commit(createService(request, options), actorOf(caller))
        return json(viewNamed(request.spec.name, master), 201)
      },
    },
    {
      ...write,
      method: 'put',
      path: '/v1/services/:id',
      handle: (call) => put(call, master, options),
    },
    {
      method: 'delete',
      path: '/v1/services/:id',
      roles: ['operator'],
      kind: 'write',
      handle: async ({ params, caller }) => {
        const service = findService(master.desired, params.id ?? '')
        await master.commit(removeService(service.id), actorOf(caller))
        return json(serviceView(master.desired.services.get(service.id) ?? service, master), 202)
      },
    },
    {
      ...write,
      method: 'post',
      path: '/v1/services/:id/scale',
      handle: async ({ params, body, caller }) => {
        const { id } = findService(master.desired, params.id ?? '')
        await master.commit(scaleService(id, readScale(body), options), actorOf(caller))
        return json(serviceView(findService(master.desired, id), master))
      },
    },
  ]
}

async function put(
  { params, body, caller }: Call,
  master: MasterSurface,
  options: ServiceOptions,
): Promise<Answer> {
  const name = params.id ?? ''
  const request: ServiceRequest = readService(named(body, name), options)
  let created = false
  const intent: Intent = (desired, at) => {
    created = desired.serviceNamed(request.spec.name) === undefined
    return putService(request, options)(desired, at)
  }
  await master.commit(intent, actorOf(caller))
  return json(viewNamed(name, master), created ? 201 : 200)
}

/** The path says the name; a body may repeat it. */
function named(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  if (!('name' in body)) return { ...body, name }
  if (body.name === name) return body
  throw invalid(`Cannot put service "${name}": the body names another`)
}

function viewNamed(name: string, master: MasterSurface): ServiceView {
  return serviceView(findService(master.desired, name), master)
}
