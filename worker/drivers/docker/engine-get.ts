/** Reads what dockerode has no call for, or none that can be given up or read bit by bit. */
import { IncomingMessage } from 'node:http'
import type Docker from 'dockerode'

export interface GetOptions {
  readonly abortSignal: AbortSignal
  readonly query?: Readonly<Record<string, string | number | boolean>>
}

const STATUS_CODES = { 200: true, 404: 'not found', 409: 'conflict', 500: 'server error' }

/** The whole answer. */
export function getFrom(docker: Docker, path: string, options: GetOptions): Promise<unknown> {
  return dial(docker, path, options, false)
}

/** The answer as it comes. */
export async function openFrom(
  docker: Docker,
  path: string,
  options: GetOptions,
): Promise<IncomingMessage> {
  const answer = await dial(docker, path, options, true)
  if (answer instanceof IncomingMessage) return answer
  throw new Error('the Docker Engine answers no stream')
}

function dial(
  docker: Docker,
  path: string,
  { abortSignal, query }: GetOptions,
  isStream: boolean,
): Promise<unknown> {
  const asked = {
    path: query === undefined ? path : `${path}?`,
    ...{ method: 'GET', isStream, abortSignal, statusCodes: STATUS_CODES },
    ...(query === undefined ? {} : { options: { ...query } }),
  }
  return new Promise((resolve, reject) => {
    docker.modem.dial(asked, (error, answer) => {
      if (error !== null && error !== undefined) reject(error)
      else resolve(answer)
    })
  })
}
