/** The Docker command line, and Compose, against one engine. */
import { output } from '../support/command.ts'

const DEADLINE_MS = 240_000
// The builder that an engine of a distribution has, without another program beside it.
const CLASSIC = { DOCKER_BUILDKIT: '0' }

type Environment = Readonly<Record<string, string>>

/** Answers what it printed; rejects with what it complained about. */
export function docker(host: string, argv: readonly string[]): Promise<string> {
  const env = { ...CLASSIC, DOCKER_HOST: host }
  return output(['docker', ...argv], { env, timeoutMs: DEADLINE_MS })
}

/** A script of the documentation: Compose may be the older program of its own. */
export function script(host: string, text: string, environment: Environment): Promise<string> {
  const env = { DOCKER_HOST: host, ...environment }
  const older = text.replaceAll('docker compose', 'docker-compose')
  return output(['sh', '-euc', older], { env, timeoutMs: DEADLINE_MS })
}
