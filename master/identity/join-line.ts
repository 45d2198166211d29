import { formatToken, type Token } from '../../shared/token.ts'

export interface JoinLineParts {
  readonly program: 'worker' | 'proxy'
  /** By which the joining machine reaches the master. */
  readonly host: string
  readonly port: number
  readonly token: Token
}

/** What to type on another machine to add it. */
export function joinLine({ program, host, port, token }: JoinLineParts): string {
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const url = `https://${shown}:${port}`
  return `orchestrify ${program} --master-ip ${url} --token ${formatToken(token)}`
}
