import { echoUpstream, get, RawClient, startRig } from './rig.ts'

export type Headers = Readonly<Record<string, string>>

/** What a replica hears of a request with these lines; what came twice is joined. */
export async function heard(
  lines: readonly string[],
  flags: readonly string[] = [],
): Promise<Headers> {
  const { port } = await startRig({ web: [await echoUpstream()] }, {}, { flags })
  const client = new RawClient(port, get('/s/web', ...lines))
  const [, json = ''] = await client.receives(/\r\n\r\n(\{.*\})$/)
  return (JSON.parse(json) as { headers: Headers }).headers
}
