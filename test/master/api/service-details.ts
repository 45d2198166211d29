/** What is wrong with a service, as its user is told. */
import { readService } from '../../../master/api/service-input.ts'
import { readMasterConfig } from '../../../master/config.ts'
import { RequestError } from '../../../shared/errors.ts'

export const DEFAULTS = readMasterConfig({ argv: [], environment: {} })

export function details(body: unknown): readonly string[] {
  try {
    readService(body, DEFAULTS)
  } catch (error) {
    if (error instanceof RequestError && error.status === 422) {
      return error.details.length === 0 ? [error.message] : error.details
    }
    throw error
  }
  return []
}
